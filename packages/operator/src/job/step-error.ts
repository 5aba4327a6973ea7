/** Why a step could not be made. `E_OPERATOR_OUTDATED` is no trouble: the pass is repeated on the newer object. */
export type StepErrorCode =
  | 'E_OPERATOR_OUTDATED'
  | 'E_OPERATOR_RECORD'
  | 'E_OPERATOR_REMAINS'
  | 'E_OPERATOR_PLAN'
  | 'E_OPERATOR_NAME_TAKEN'
  | 'E_OPERATOR_SAVEPOINT_REFUSED'
  | 'E_OPERATOR_RESCALE_REFUSED'
  | 'E_OPERATOR_OLD_CRD'
  | 'E_OPERATOR_DISPOSAL'
  | 'E_OPERATOR_ZOOKEEPER';

const NEXT_STEPS: Readonly<Record<StepErrorCode, string>> = {
  E_OPERATOR_OUTDATED: 'Nothing: the pass is repeated.',
  E_OPERATOR_RECORD:
    'Put the record back as it was, or delete the object with the annotation flink.apache.org/force-deletion=true and create it anew.',
  E_OPERATOR_REMAINS: 'Wait for the garbage collector; if it does not come, delete the object.',
  E_OPERATOR_PLAN: 'Report this with the log lines before it: the operator made a plan that contradicts itself.',
  E_OPERATOR_NAME_TAKEN: 'Delete or rename the object that is in the way; nothing of it was touched.',
  E_OPERATOR_SAVEPOINT_REFUSED: 'Correct what Flink complains about; the job runs on, and the operator tries again.',
  E_OPERATOR_RESCALE_REFUSED: 'Correct the overrides; the job runs on with the parallelisms it has.',
  E_OPERATOR_OLD_CRD:
    'Install the definitions of this version: drey crds | kubectl apply --server-side --force-conflicts -f -',
  E_OPERATOR_ZOOKEEPER:
    'Let the operator reach high-availability.zookeeper.quorum without authentication; it tries again, and nothing is started or removed meanwhile.',
  E_OPERATOR_DISPOSAL: 'Nothing: it stays in the history and is tried again.',
};

/** A step that failed for a reason of its own, with the next step for people. */
export class StepError extends Error {
  readonly code: StepErrorCode;
  readonly nextStep: string;
  constructor(code: StepErrorCode, message: string) {
    super(message);
    this.name = 'StepError';
    this.code = code;
    this.nextStep = NEXT_STEPS[code];
  }
}
