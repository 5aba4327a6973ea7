import type { Random } from '@drey/kube';
import { pick } from './draws.ts';
import { statefulSet, vertexOverrides } from './operator-options.ts';
import type { Change, Subject } from './scenario.ts';
import { type ClusterTraits, FLINK_SERIES, IMPORTED, MISSING, versionOf } from './specs.ts';

/** Draws what a user changes next: mostly one change; a flaw comes with its mending a little later, or stays. */
export function drawChange(random: Random, kind: Subject['kind'], cluster: ClusterTraits): readonly Change[] {
  const parallelism = 1 + Math.floor(random.next() * 4);
  const nonce = 1 + Math.floor(random.next() * 1_000_000);
  const scale = change(`parallelism ${parallelism}`, { job: { parallelism } }, 'parallelism');
  const common: [Change[], ...Change[][]] = [
    [scale],
    [scale],
    [change(`restartNonce ${nonce}`, { restartNonce: nonce })],
    [change('suspend', { job: { state: 'suspended' } })],
    [change('resume', { job: { state: 'running' } })],
    [change(`resume with parallelism ${parallelism}`, { job: { state: 'running', parallelism } }, 'parallelism')],
    [change(`redeploy ${nonce}`, { job: { initialSavepointPath: IMPORTED.path, savepointRedeployNonce: nonce } })],
    [flawed('invalid parallelism', { job: { parallelism: -1 } }, 'parallelism')],
  ];
  if (cluster.adaptive) {
    const vertices = [parallelism, 1 + Math.floor(random.next() * 4)];
    const rescale = change(`vertices ${vertices.join()}`, { flinkConfiguration: vertexOverrides(vertices) });
    common.push([rescale], [rescale], [rescale]);
  }
  if (kind !== 'FlinkDeployment') return pick(random, common);
  if (cluster.rollsBack && random.next() < 0.5) return [drawBreak(random, cluster)];
  return pick(random, [
    ...common,
    [newerFlink(cluster)],
    [change('operator key only', configuration('kubernetes.operator.periodic.savepoint.interval', ''))],
    [change('a label of the pods', { podTemplate: { metadata: { labels: { team: `t${nonce}` } } } })],
    [change(`memory ${parallelism}`, { taskManager: { resource: { memory: `${1536 + parallelism * 64}m` } } })],
    [
      change(
        'another option',
        configuration('restart-strategy.type', pick(random, ['fixed-delay', 'exponential-delay'])),
      ),
    ],
    ...(cluster.mode === 'standalone'
      ? [true, false].map((isOn) => [
          change(`TaskManagers as a ${isOn ? 'StatefulSet' : 'Deployment'}`, { flinkConfiguration: statefulSet(isOn) }),
        ])
      : []),
    ...(cluster.ha
      ? []
      : [
          [flawed('standby JobManagers without high availability', { jobManager: { replicas: 2 } }, 'replicas')],
          [change('one JobManager', { jobManager: { replicas: 1 } }, 'replicas')],
        ]),
    [flawed('a forbidden key', configuration('kubernetes.cluster-id', 'other'), 'forbidden')],
    [change('no forbidden key', configuration('kubernetes.cluster-id', null), 'forbidden')],
  ] as [Change[], ...Change[][]]);
}

/** A spec that cannot run, or the end of that. */
function drawBreak(random: Random, { series = '1.20' }: ClusterTraits): Change {
  return pick(random, [
    { what: 'a missing image', patch: { spec: { image: MISSING.image } }, breaks: 'image' },
    { what: 'a missing class', patch: { spec: { job: { entryClass: MISSING.entryClass } } }, breaks: 'class' },
    change('an image that is there', { image: versionOf(series).image }, 'image'),
    change('the class of the jar', { job: { entryClass: null } }, 'class'),
  ]);
}

/** The next series: state never goes back to an older one. */
export function newerFlink({ series = '1.20' }: ClusterTraits): Change {
  const next = FLINK_SERIES[FLINK_SERIES.indexOf(series) + 1] ?? series;
  return change(`Flink ${next}`, versionOf(next), 'image');
}

function configuration(key: string, value: string | null): object {
  return { flinkConfiguration: { [key]: value } };
}

function change(what: string, spec: object, mends?: string): Change {
  return { what, patch: { spec }, ...(mends === undefined ? {} : { mends }) };
}

function flawed(what: string, spec: object, flaw: string): Change {
  return { what, patch: { spec }, flaw };
}
