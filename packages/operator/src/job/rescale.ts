import type { VertexRequirements } from '../runtime/ports.ts';

/**
 * The requirements that give each overridden vertex its parallelism as the upper bound, the lower one as it was or as low as
 * the new upper one (reference: apache-operator.md 3.9). Vertices without an override stay, and overrides of vertices that
 * the job does not have count for nothing, as at a start.
 */
export function overriddenRequirements(
  current: VertexRequirements,
  overrides: ReadonlyMap<string, string>,
): VertexRequirements {
  return Object.fromEntries(
    Object.entries(current).map(([vertex, bounds]) => {
      const wanted = Number(overrides.get(vertex) ?? Number.NaN);
      if (!Number.isInteger(wanted) || wanted < 1) return [vertex, bounds];
      return [vertex, { lowerBound: Math.min(wanted, bounds.lowerBound), upperBound: wanted }];
    }),
  );
}

/** Whether both ask for the same of every vertex. */
export function sameRequirements(left: VertexRequirements, right: VertexRequirements): boolean {
  const vertices = Object.keys(left);
  if (vertices.length !== Object.keys(right).length) return false;
  return vertices.every(
    (vertex) =>
      left[vertex]?.lowerBound === right[vertex]?.lowerBound && left[vertex]?.upperBound === right[vertex]?.upperBound,
  );
}

/** Requirements as an operation keeps them, so that the change can be taken back. */
export function writeRequirements(requirements: VertexRequirements): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(requirements).map(([v, b]) => [v, [b.lowerBound, b.upperBound]])),
  );
}

/** Reads what {@link writeRequirements} wrote; undefined for anything else. */
export function readRequirements(text: string | null | undefined): VertexRequirements | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch {
    return undefined; // written by a version that keeps something else there
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const vertices = Object.entries(parsed).map(([vertex, bounds]) => {
    const [lowerBound, upperBound] = Array.isArray(bounds) ? bounds : [];
    return [vertex, { lowerBound: Number(lowerBound), upperBound: Number(upperBound) }] as const;
  });
  return vertices.every(([, { lowerBound, upperBound }]) => lowerBound >= 1 && upperBound >= lowerBound)
    ? Object.fromEntries(vertices)
    : undefined;
}
