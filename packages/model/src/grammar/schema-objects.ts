// Objects: members come in the declared order, optional ones may be left out. One rule per member
// says what may follow it, so the size is linear in the members, not exponential.
//
// Where a schema says nothing about other members, none are written: every such object is valid
// too. Others are written when `additionalProperties` asks for them; then their names differ from
// the declared ones.
import { characterClass, literal, type GbnfWriter } from "./gbnf-writer.ts";
import { inside, type SchemaContext, type SchemaPlace } from "./schema-context.ts";
import { quotedForMessage, refuseSchema } from "./schema-error.ts";
import {
  isPlainObject,
  lengthOf,
  listOf,
  schemaLimits,
  type SchemaObject,
} from "./schema-reader.ts";

interface Member {
  readonly name: string;
  readonly value: string;
  readonly required: boolean;
}

interface OtherMembers {
  /** From behind the opening quote of the name through its closing quote. */
  readonly name: string;
  readonly value: string;
}

const otherNameUnitsMax = 256;

export function objectRule(
  context: SchemaContext,
  schema: SchemaObject,
  place: SchemaPlace,
): string {
  const { writer, json } = context;
  const least = lengthOf(schema, "minProperties", place.path) ?? 0;
  if (least > 1) refuseSchema(place.path, '"minProperties" above 1');
  const isFree =
    schema["properties"] === undefined &&
    schema["required"] === undefined &&
    (schema["additionalProperties"] ?? true) === true;
  if (isFree && least === 0) return json.object();
  const members = membersOf(context, schema, place);
  const others = othersOf(context, schema, { place, isFree, members });
  const first = membersRule(context, members, others);
  if (first === null) {
    if (least > 0) refuseSchema(place.path, "it needs a member and allows none");
    return '"{}"';
  }
  const filled = writer.rule("filled", `"\\"" ${first} ${json.space}`);
  const isFilled = least > 0 || members.some((member) => member.required);
  return writer.rule("object", `"{" ${json.space} ${filled}${isFilled ? "" : "?"} "}"`);
}

function membersOf(context: SchemaContext, schema: SchemaObject, place: SchemaPlace): Member[] {
  const { path } = place;
  const properties = schema["properties"] ?? {};
  if (!isPlainObject(properties)) refuseSchema(path, '"properties" is not an object');
  const required = new Set<string>();
  for (const name of listOf(schema, "required", path, schemaLimits.propertiesMax) ?? []) {
    if (typeof name !== "string") refuseSchema(path, '"required" holds what is not a name');
    required.add(name);
  }
  const names = [...new Set([...Object.keys(properties), ...required])];
  if (names.length > schemaLimits.propertiesMax) {
    refuseSchema(path, `it has more than ${schemaLimits.propertiesMax} properties`);
  }
  return names.map((name) => {
    const isDeclared = Object.hasOwn(properties, name);
    if (!isDeclared && schema["additionalProperties"] === false) {
      refuseSchema(path, `${quotedForMessage(name)} is required and not allowed`);
    }
    const value = isDeclared ? properties[name] : (schema["additionalProperties"] ?? true);
    return {
      name,
      value: context.compile(value, inside(place, `properties/${name}`)),
      required: required.has(name),
    };
  });
}

function othersOf(
  context: SchemaContext,
  schema: SchemaObject,
  about: { readonly place: SchemaPlace; readonly isFree: boolean; readonly members: Member[] },
): OtherMembers | null {
  const allowed = schema["additionalProperties"] ?? about.isFree;
  if (allowed === false) return null;
  const value = context.compile(allowed, inside(about.place, "additionalProperties"));
  const names = about.members.map((member) => member.name);
  const tooLong = names.find((name) => name.length > otherNameUnitsMax);
  if (tooLong !== undefined) {
    refuseSchema(about.place.path, `${quotedForMessage(tooLong)} is too long a name`);
  }
  return { name: otherNameRule(context.writer, names), value };
}

/** The members, from behind the first one's opening quote; null when there can be none. */
function membersRule(
  { writer, json }: SchemaContext,
  members: readonly Member[],
  others: OtherMembers | null,
): string | null {
  const next = `"," ${json.space} "\\""`;
  /** From behind an opening quote, this member or a later one; null = there is none. */
  let names: string | null = null;
  /** After a member's value. */
  let rest = "";
  let isRequiredLater = false;
  if (others !== null) {
    rest = writer.reserve("more-others");
    names = writer.rule("other", `${others.name} ${json.colon} ${others.value} ${rest}`);
    writer.define(rest, `${next} ${names} | ""`);
  }
  for (const member of members.toReversed()) {
    const name = literal(JSON.stringify(member.name).slice(1));
    const written = `${name} ${json.colon} ${member.value} ${rest}`;
    const skipped: string = member.required || names === null ? "" : ` | ${names}`;
    names = writer.rule("member", written + skipped);
    isRequiredLater ||= member.required;
    rest = writer.rule("more", isRequiredLater ? `${next} ${names}` : `${next} ${names} | ""`);
  }
  return names;
}

/** Any name but `names`, from behind the opening quote through the closing one, unescaped. */
function otherNameRule(writer: GbnfWriter, names: readonly string[]): string {
  // A name whose JSON form has an escape cannot be met: these are written without.
  const plain = names.filter((name) => JSON.stringify(name).slice(1, -1) === name);
  return otherNameAfter(
    writer,
    plain.map((name) => Array.from(name)),
    0,
  );
}

const unusable: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

function otherNameAfter(
  writer: GbnfWriter,
  names: readonly (readonly string[])[],
  offset: number,
): string {
  const byNext = Map.groupBy(
    names.filter((name) => name.length > offset),
    (name) => name[offset] ?? "",
  );
  const anyRest = writer.rule("other-rest", `${excluding(unusable)}* "\\""`);
  const taken = [...byNext.keys()].map((character): readonly [number, number] => {
    const code = character.codePointAt(0) ?? 0;
    return [code, code];
  });
  const alternatives = [`${excluding([...unusable, ...taken])} ${anyRest}`];
  for (const [character, group] of byNext) {
    alternatives.push(`${literal(character)} ${otherNameAfter(writer, group, offset + 1)}`);
  }
  if (!names.some((name) => name.length === offset)) alternatives.push('"\\""');
  return writer.rule("other-name", alternatives.join(" | "));
}

function excluding(ranges: readonly (readonly [number, number])[]): string {
  return `[^${characterClass(ranges).slice(1)}`;
}
