import type { FlinkDeployment } from '@drey/api';
import { mapType, valueRules } from '@drey/flink';
import { CLIENT_VERSION } from '@drey/manifests';
import { afterAll, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { sanitizedAnnotations } from '../job/annotations.ts';
import { lifecycleState } from '../job/lifecycle.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { type ErrorLimits, errorText } from '../job/resource-error.ts';
import { eventName } from '../runtime/event-recorder.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: {
    readonly object: FlinkDeployment;
    readonly type: PlannedEvent['type'];
    readonly reason: string;
    readonly message: string | null;
    readonly component: PlannedEvent['component'];
    readonly chain: readonly { readonly class: string; readonly message: string | null }[];
    readonly annotations?: Readonly<Record<string, string | null>>;
    readonly operatorConfig?: Readonly<Record<string, string>>;
  };
  readonly result: string | Readonly<Record<string, string>>;
}

const area = goldenArea('operator-classes');
const vectors = (area.files.includes('misc.json') ? area.json<Vector[]>('misc.json') : []).filter(
  ({ fn, args }) =>
    fn === 'sanitizeAnnotations' ||
    (['eventName', 'lifecycle', 'resourceError'].includes(fn) &&
      ['FlinkDeployment', 'FlinkSessionJob'].includes(args.object.kind) &&
      args.message !== null),
);
let matched = 0;
afterAll(() => console.log(`operator classes: ${matched} of ${vectors.length}`));

const K = 'kubernetes.operator.exception.';

function limitsOf(config: Readonly<Record<string, string>> = {}): ErrorLimits {
  const labels = config[`${K}label.mapper`];
  return {
    fieldLength: Number(config[`${K}field.max.length`] ?? 2048),
    causes: Number(config[`${K}throwable.list.max.count`] ?? 2),
    labels: labels === undefined ? new Map() : mapType.parse(labels, valueRules(CLIENT_VERSION, 'legacy')),
  };
}

function answer({ fn, args }: Vector): Vector['result'] {
  switch (fn) {
    case 'sanitizeAnnotations':
      return sanitizedAnnotations(args.annotations ?? {});
    case 'eventName':
      return eventName(args.object, {
        ...{ type: args.type, reason: args.reason, component: args.component, message: args.message ?? '' },
      });
    case 'lifecycle': {
      const status = args.object.status ?? {};
      return lifecycleState(status, lastReconciled(status));
    }
    default: {
      const [first, ...causes] = args.chain.map((one) => ({ type: one.class, message: one.message ?? undefined }));
      return errorText({ type: first?.type ?? '', message: first?.message, causes }, limitsOf(args.operatorConfig));
    }
  }
}

test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
  expect(answer(vector)).toEqual(vector.result);
  matched += 1;
});
