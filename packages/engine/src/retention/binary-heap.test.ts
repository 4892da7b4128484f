import { AssertionError, defined, Random } from "@loci/core";
import { expect, test } from "vitest";
import { BinaryHeap } from "./binary-heap.ts";

interface Item {
  key: number;
  place: number;
}

test("gives items in order while they are added, moved and removed", () => {
  const random = new Random(3);
  const heap = new BinaryHeap<Item>(
    (one, other) => one.key < other.key,
    (item, place) => {
      item.place = place;
    },
  );
  const model = new Set<Item>();
  for (let step = 0; step < 20_000; step++) {
    const action = random.integer(0, 3);
    const [item] = [...model].slice(random.integer(0, Math.max(0, model.size - 1)));
    if (item === undefined || (action === 0 && model.size < 60)) {
      const fresh = { key: random.integer(0, 50), place: -1 };
      heap.push(fresh);
      model.add(fresh);
    } else if (action === 1) {
      heap.removeAt(item.place);
      model.delete(item);
    } else if (action === 2) {
      item.key = random.integer(0, 50);
      heap.settle(item.place);
    } else {
      const first = defined(heap.tryPop());
      const lowest = Math.min(...[...model].map(({ key }) => key));
      if (first.key !== lowest) throw new Error("the first is not the lowest");
      model.delete(first);
    }
    for (const each of model) if (heap.at(each.place) !== each) throw new Error("lost an item");
    if (step % 100 === 0) heap.checkIntegrity();
  }
  expect(heap.size).toBe(model.size);
  expect(() => heap.removeAt(heap.size)).toThrow(AssertionError);
});
