import { parseQuantity } from '@drey/api';
import {
  atLeast,
  clusterOptions,
  type FlinkConfig,
  taskManagerStatefulSetOptions,
  tryParseFlinkVersion,
} from '@drey/flink';
import { MAIN_CONTAINER_NAME } from '../native/constants.ts';
import { isBelow, LOCAL_STATE_VOLUME } from '../standalone/local-state.ts';
import { taskManagersName } from '../standalone/names.ts';
import type { DeployConfig } from './deploy-config.ts';
import { ManifestError } from './errors.ts';
import type { DeploymentView } from './spec-view.ts';

/** Where the working directory of the TaskManagers is unless the configuration says something else. */
const WORKING_DIRECTORY = '/opt/flink/local-state';
/** Every key that says whether copies of the state are kept and used, old names included. */
const LOCAL_RECOVERY = 'state.backend.local-recovery';
const LOCAL_BACKUP = 'execution.checkpointing.local-backup.enabled';
const FROM_LOCAL = 'execution.state-recovery.from-local';

/**
 * What TaskManagers of a StatefulSet need to find their local state after a restart: a working directory of their own, and local
 * recovery, each unless the configuration says something about it.
 */
export function withLocalRecovery(config: FlinkConfig, view: DeploymentView): FlinkConfig {
  if (!view.standalone || !config.get(taskManagerStatefulSetOptions.enabled)) return config;
  const placed = config.has(clusterOptions.taskManagerWorkingDir)
    ? config
    : config.with(clusterOptions.taskManagerWorkingDir.key, WORKING_DIRECTORY);
  if ([LOCAL_RECOVERY, LOCAL_BACKUP, FROM_LOCAL].some((key) => config.raw(key) !== undefined)) return placed;
  const version = tryParseFlinkVersion(view.flinkVersion ?? '');
  const split = version !== undefined && atLeast(version, '1.20');
  return placed.withAll(split ? { [LOCAL_BACKUP]: 'true', [FROM_LOCAL]: 'true' } : { [LOCAL_RECOVERY]: 'true' });
}

/**
 * The longest name of a StatefulSet whose pods can carry the label `controller-revision-hash`: the name, a dash and a number of up
 * to ten characters have 63 at most.
 */
const MAX_STATEFUL_SET_NAME = 52;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Refuses with `E_SPEC_STATEFUL_SET` what the API server or Flink would refuse, or what contradicts itself. */
export function checkLocalState(
  view: DeploymentView,
  deploy: DeployConfig,
  own: Readonly<Record<string, string>>,
): void {
  const { config } = deploy;
  if (!config.get(taskManagerStatefulSetOptions.enabled)) return;
  if (!view.standalone) {
    // A default of the operator's is for those of its clusters that it fits.
    if (own[taskManagerStatefulSetOptions.enabled.key] === undefined) return;
    refuse(
      `${taskManagerStatefulSetOptions.enabled.key} is set, but in native mode Flink itself makes the TaskManagers, as bare pods`,
      'Set spec.mode to standalone in a new FlinkDeployment, or remove the key.',
    );
  }
  checkNames(view.name, config);
  checkVolume(config);
  checkTemplate(deploy);
}

function checkNames(name: string, config: FlinkConfig): void {
  const most = MAX_STATEFUL_SET_NAME - taskManagersName('').length;
  if (name.length > most) {
    refuse(
      `the name "${name}" is too long for a StatefulSet of TaskManagers, whose pods carry it in a label`,
      `Use a name of at most ${most} characters, or leave ${taskManagerStatefulSetOptions.enabled.key} out.`,
    );
  }
  const directory = config.get(clusterOptions.taskManagerWorkingDir) ?? '';
  if (!/^\/[^\s,]+$/.test(directory)) {
    refuse(
      `${clusterOptions.taskManagerWorkingDir.key} is "${directory}", and no volume can be mounted there`,
      'Write one absolute path, or remove the key.',
    );
  }
}

function checkVolume(config: FlinkConfig): void {
  const size = config.get(taskManagerStatefulSetOptions.volumeSize);
  if (size !== undefined) {
    const parsed = parseQuantity(size.trim());
    if (!/^\d/.test(size.trim()) || !parsed.ok || parsed.value.unscaled <= 0n) {
      refuse(
        `${taskManagerStatefulSetOptions.volumeSize.key} is "${size}", which is no size of a volume`,
        'Write it as Kubernetes does, for example 10Gi.',
      );
    }
  }
  const storageClass = config.get(taskManagerStatefulSetOptions.volumeStorageClass);
  if (storageClass !== undefined && !(storageClass.length <= 253 && DNS_SUBDOMAIN.test(storageClass))) {
    refuse(
      `${taskManagerStatefulSetOptions.volumeStorageClass.key} is "${storageClass}", which is no name of a StorageClass`,
      'Write a name that "kubectl get storageclass" shows, or remove the key for the default class.',
    );
  }
}

/** The template may bring the volume of the working directory itself, but then there is none to be claimed. */
function checkTemplate({ config, taskManagerTemplate }: DeployConfig): void {
  const volumes = taskManagerTemplate?.spec?.volumes ?? [];
  if (volumes.some(({ name }) => name === LOCAL_STATE_VOLUME)) {
    refuse(
      `the pod template of the TaskManagers has a volume ${LOCAL_STATE_VOLUME}, which is the name of the operator’s own`,
      'Give the volume of the template another name.',
    );
  }
  const directory = config.get(clusterOptions.taskManagerWorkingDir) ?? '';
  const main = taskManagerTemplate?.spec?.containers?.find(({ name }) => name === MAIN_CONTAINER_NAME);
  const mount = main?.volumeMounts?.find(({ mountPath }) => isBelow(directory, mountPath));
  if (mount === undefined || config.get(taskManagerStatefulSetOptions.volumeSize) === undefined) return;
  refuse(
    `the pod template mounts the volume ${mount.name} at ${mount.mountPath}, where ${taskManagerStatefulSetOptions.volumeSize.key} asks for a claim`,
    'Remove one of the two, or move the directory with process.taskmanager.working-dir.',
  );
}

function refuse(what: string, nextStep: string): never {
  throw new ManifestError('E_SPEC_STATEFUL_SET', `${what[0]?.toUpperCase()}${what.slice(1)}`, nextStep);
}
