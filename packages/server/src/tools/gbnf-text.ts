// Small edits of GBNF text: several grammars become one when the rules of each get a prefix.

/** `grammar` with every rule name prefixed; literals, classes, comments and counts stay. */
export function prefixRules(grammar: string, prefix: string): string {
  return grammar.replace(gbnfPiece, (piece) =>
    /^[a-zA-Z]/.test(piece) ? `${prefix}${piece}` : piece,
  );
}

// A literal, a class, a comment, a token in angle brackets, a count in braces, or a rule name.
const gbnfPiece =
  /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|#[^\n]*|<[^>\n]*>|\{[^}]*\}|[a-zA-Z][a-zA-Z0-9_-]*/gs;

/** A GBNF literal that matches exactly `text`. */
export function literal(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${escaped}"`;
}

/** Rules whose first, `${name}-0`, matches any text in which `mark` does not occur. */
export function textWithout(mark: string, name: string): string {
  const letters = [...new Set(mark.split(""))];
  const rules = Array.from({ length: mark.length }, (_, matched) => {
    const moves = letters.flatMap((letter) => {
      const next = matchedAfter(mark, matched, letter);
      return next === mark.length ? [] : [`${literal(letter)} ${name}-${next}`];
    });
    const others = `[^${letters.map(classLetter).join("")}] ${name}-0`;
    return `${name}-${matched} ::= ( ${[others, ...moves].join(" | ")} )?`;
  });
  return rules.join("\n");
}

/** Characters of `mark` matched after `letter`, `matched` of them having matched before. */
function matchedAfter(mark: string, matched: number, letter: string): number {
  const seen = mark.slice(0, matched) + letter;
  for (let length = seen.length; length > 0; length--) {
    if (mark.startsWith(seen.slice(seen.length - length))) return length;
  }
  return 0;
}

function classLetter(letter: string): string {
  return /[\]\\^-]/.test(letter) ? `\\${letter}` : letter;
}
