import type { JsonObject } from '../values/json.ts';
import { isNumber, javaNumberText } from '../values/json.ts';
import type { Settings } from './context.ts';
import { MESSAGES } from './messages.ts';
import { firstProblem, problem, type ValidationProblem } from './problem.ts';

const CHECKPOINT_DIR = 'execution.checkpointing.dir';
const SAVEPOINT_DIR = 'execution.checkpointing.savepoint-dir';

/** Checks a job: that the directories exist which its way of carrying state needs, and that it has a parallelism. */
export function checkJob(
  job: JsonObject | undefined,
  taskManagerReplicas: number | undefined,
  settings: Settings,
): ValidationProblem | undefined {
  if (job === undefined) return undefined;
  return firstProblem(
    () => checkDirectories(job, settings),
    () => checkParallelism(job, taskManagerReplicas),
  );
}

function checkDirectories(job: JsonObject, settings: Settings): ValidationProblem | undefined {
  if (job.upgradeMode !== 'stateless' && settings.checkpointDirectory === undefined) {
    return refuse(
      CHECKPOINT_DIR,
      `Checkpoint directory[${CHECKPOINT_DIR}] must be defined for last-state and savepoint upgrade modes`,
      `Set ${CHECKPOINT_DIR} in flinkConfiguration to a directory that all pods can reach, or upgradeMode to stateless.`,
    );
  }
  if (settings.savepointDirectory !== undefined) return undefined;
  const next = `Set ${SAVEPOINT_DIR} in flinkConfiguration to a directory that all pods can reach.`;
  if (job.upgradeMode === 'savepoint') {
    return refuse(
      SAVEPOINT_DIR,
      `Job could not be upgraded with savepoint while config key[${SAVEPOINT_DIR}] is not set`,
      next,
    );
  }
  if (job.savepointTriggerNonce !== null && job.savepointTriggerNonce !== undefined) {
    return refuse(
      SAVEPOINT_DIR,
      `Savepoint could not be manually triggered for the running job while config key[${SAVEPOINT_DIR}] is not set`,
      next,
    );
  }
  if (settings.text('kubernetes.operator.periodic.savepoint.interval') !== undefined) {
    return refuse(
      SAVEPOINT_DIR,
      `Periodic savepoints cannot be enabled when config key[${SAVEPOINT_DIR}] is not set`,
      next,
    );
  }
  if (settings.text('kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age') !== undefined) {
    return refuse(
      SAVEPOINT_DIR,
      `In order to use max-checkpoint age functionality config key[${SAVEPOINT_DIR}] must be set to allow triggering savepoint upgrades.`,
      next,
    );
  }
  return undefined;
}

function checkParallelism(job: JsonObject, taskManagerReplicas: number | undefined): ValidationProblem | undefined {
  if (taskManagerReplicas !== undefined) return checkTaskManagerReplicas(taskManagerReplicas);
  const parallelism = isNumber(job.parallelism) ? Number(javaNumberText(job.parallelism)) : 0;
  if (parallelism >= 1) return undefined;
  return problem(
    'E_VALIDATION_JOB',
    'spec.job.parallelism',
    MESSAGES.parallelism,
    'Set spec.job.parallelism, or spec.taskManager.replicas.',
  );
}

/** Checks a given number of TaskManagers; `message` is what the Apache operator says at that place. */
export function checkTaskManagerReplicas(
  replicas: number,
  message: string = MESSAGES.taskManagerReplicas,
): ValidationProblem | undefined {
  if (replicas >= 1) return undefined;
  return problem(
    'E_VALIDATION_TASK_MANAGER',
    'spec.taskManager.replicas',
    message,
    'Set spec.taskManager.replicas to 1 or more, or leave it out.',
  );
}

function refuse(key: string, message: string, next: string): ValidationProblem {
  return problem('E_VALIDATION_JOB', `spec.flinkConfiguration[${key}]`, message, next);
}
