import type { DecisionFile, Replayed } from '@drey/operator';
import { expect, test } from 'vitest';
import { replayText } from './replay-text.ts';

const file = {
  format: 'drey-decisions/1',
  kind: 'FlinkDeployment',
  key: 'ns/app',
  operatorConfig: {},
  decisions: [],
} as DecisionFile;

const decision = {
  at: Date.parse('2026-01-01T00:00:00Z'),
  quiet: false,
  world: {
    deployment: { metadata: { generation: 2 }, status: { lifecycleState: 'STABLE' } },
    flink: { jobs: { kind: 'ok', value: [{ state: 'RUNNING' }] } },
  },
  plan: {
    status: { lifecycleState: 'UPGRADING', jobStatus: { state: 'RUNNING' }, summary: 'Bringing the job down.' },
    steps: [{ kind: 'stop-with-savepoint' }],
    events: [{ reason: 'Suspended', message: 'Suspending\nexisting deployment.' }],
    wakeUp: { kind: 'after', ms: 100.4 },
  },
};

test('A decision is told in a few lines: what was seen, what was decided, what was said', () => {
  expect(replayText(file, [{ decision, plan: decision.plan, differences: [] }])).toBe(
    [
      'FlinkDeployment ns/app: 1 decisions, all the same today',
      '',
      '2026-01-01T00:00:00.000Z  generation 2, STABLE, Flink says RUNNING',
      '  decided: stop-with-savepoint; UPGRADING RUNNING; next look in 100 ms',
      '  says:    Bringing the job down.',
      '  event:   Suspended: Suspending existing deployment.',
      '',
    ].join('\n'),
  );
});

test('What is decided otherwise is shown, up to a limit', () => {
  const differences = Array.from({ length: 22 }, (_, i) => ({
    path: `steps.${i}`,
    recorded: undefined,
    replayed: 'x',
  }));
  const replayed: Replayed = { decision: { ...decision, failure: 'no route' }, plan: {}, differences };
  const text = replayText(file, [replayed]);
  expect(text).toContain('1 decisions, 1 come out otherwise\n');
  expect(text).toContain('  failed:  no route\n  otherwise today:\n    steps.0: (absent) -> "x"\n');
  expect(text).toContain('    steps.19: (absent) -> "x"\n    and 2 more\n');
});

test('Decisions about session jobs and snapshots are told in their own words', () => {
  const { deployment, flink } = decision.world;
  const job = { ...decision, world: { sessionJob: deployment, flink } };
  const started = { status: { state: 'IN_PROGRESS' }, steps: [{ kind: 'trigger-savepoint' }] };
  const snapshot = {
    ...decision,
    world: { snapshot: { metadata: { generation: 1 }, status: { state: 'TRIGGER_PENDING' } } },
    plan: started,
  };
  const text = replayText(
    file,
    [job, snapshot].map((one) => ({ decision: one, plan: one.plan, differences: [] })),
  );
  expect(text).toContain('Z  generation 2, STABLE, Flink says RUNNING\n');
  expect(text).toContain('Z  generation 1, TRIGGER_PENDING\n  decided: trigger-savepoint; IN_PROGRESS; next look');
});

test('A decision of a kind with nothing that is known is still told', () => {
  const bare = { at: 0, quiet: true, world: {}, plan: {} };
  expect(replayText(file, [{ decision: bare, plan: {}, differences: [] }])).toContain(
    '1970-01-01T00:00:00.000Z  new\n  decided: nothing; no state; next look when something changes\n',
  );
});
