import type { FlinkConfig } from '@drey/flink';
import type { JobSpec } from './job-records.ts';
import { simulatedOptions } from './mounted-config.ts';
import { vertices } from './rest-shapes.ts';

/** What a configuration asks of each vertex: its own parallelism, or that of the job. */
export function vertexParallelism(config: FlinkConfig, parallelism: number): Pick<JobSpec, 'parallelism' | 'vertices'> {
  const overrides = config.get(simulatedOptions.overrides);
  if (overrides.size === 0) return { parallelism };
  const asked = vertices.map(({ id }) => [id, Number(overrides.get(id) ?? parallelism)] as const);
  return {
    parallelism: Math.max(...asked.map(([, upperBound]) => upperBound)),
    vertices: new Map(asked.map(([id, upperBound]) => [id, { lowerBound: 1, upperBound }])),
  };
}
