import fc from 'fast-check';

/**
 * A body that is wrong in one to three places, or whose bytes are damaged: types swapped, fields dropped and renamed, deep
 * nesting, huge strings, invalid UTF-8.
 *
 * @param write the bytes of a changed body; JSON unless a door speaks otherwise
 */
export function mutations(body: unknown, write: (tree: unknown) => Buffer = written): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.array(change, { minLength: 1, maxLength: 3 }), damage)
    .map(([changes, harm]) => damaged(write(mutated(structuredClone(body), changes)), harm));
}

/** What may stand where something else belongs. */
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    '',
    ' ',
    [],
    {},
    [[]],
    'null',
    '{',
    '\u0000',
    '\ud800',
    'a\u0000b\udfff',
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.integer({ min: 1, max: 60 }).map((thousands) => 'x'.repeat(thousands * 1_000)),
  fc.integer({ min: 1, max: 20 }).map((thousands) => new Nested(thousands * 1_000)),
);

/** Written as so many arrays in each other, which no tree of ours could hold. */
class Nested {
  readonly depth: number;
  constructor(depth: number) {
    this.depth = depth;
  }
  toJSON(): string {
    return `@nested ${this.depth}`;
  }
}

const change = fc.record({
  place: fc.nat(),
  what: fc.oneof(
    { weight: 5, arbitrary: odd.map((value) => ({ kind: 'put' as const, value })) },
    { weight: 2, arbitrary: fc.constant({ kind: 'drop' as const }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8 }).map((name) => ({ kind: 'rename' as const, name })) },
  ),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Bytes that are no longer what was meant: cut, overwritten, not UTF-8. */
const damage = fc.option(fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() }), { freq: 8 });

function mutated(body: unknown, changes: Change[]): unknown {
  let tree = body;
  for (const { place, what } of changes) {
    const places = placesIn(tree);
    const at = places[place % Math.max(1, places.length)];
    if (at === undefined) tree = what.kind === 'put' ? what.value : tree;
    else if (what.kind === 'put') at.holder[at.key] = what.value;
    else {
      const value = at.holder[at.key];
      delete at.holder[at.key];
      if (what.kind === 'rename') at.holder[what.name] = value;
    }
  }
  return tree;
}

interface Place {
  holder: Record<string, unknown>;
  key: string;
}

function placesIn(tree: unknown): Place[] {
  if (typeof tree !== 'object' || tree === null || tree instanceof Nested) return [];
  const holder = tree as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

function written(tree: unknown): Buffer {
  const text = (JSON.stringify(tree) ?? '').replace(
    /"@nested (\d+)"/g,
    (_, depth) => `${'['.repeat(Number(depth))}${']'.repeat(Number(depth))}`,
  );
  return Buffer.from(text);
}

function damaged(bytes: Buffer, harm: { at: number; byte: number; cut: boolean } | null): Buffer {
  if (harm === null || bytes.length === 0) return bytes;
  const at = harm.at % bytes.length;
  if (harm.cut) return bytes.subarray(0, at);
  bytes[at] = harm.byte;
  return bytes;
}
