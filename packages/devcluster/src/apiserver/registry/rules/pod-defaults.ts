import { ensureFields, type Fields, fieldsOf, fill, fillText, isFields, listOf, textOf } from './fields.ts';

/** Defaults of a pod spec, in a pod or in a template. Mutates. */
export function defaultPodSpec(spec: Fields): void {
  fillText(spec, 'dnsPolicy', 'ClusterFirst');
  fillText(spec, 'restartPolicy', 'Always');
  fillText(spec, 'schedulerName', 'default-scheduler');
  fill(spec, { terminationGracePeriodSeconds: 30, securityContext: {} });
  defaultServiceAccount(spec);
  for (const volume of listOf(spec.volumes)) defaultVolume(volume);
  for (const field of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of listOf(spec[field])) {
      defaultContainer(container);
      if (spec.hostNetwork === true && field !== 'ephemeralContainers') defaultHostPorts(container);
    }
  }
}

/** The old name of the field is kept equal to the new one. */
function defaultServiceAccount(spec: Fields): void {
  const name = textOf(spec.serviceAccountName) || textOf(spec.serviceAccount);
  if (name === '') return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** Defaults of a pod itself, beyond those of templates. Mutates. */
export function defaultPod(spec: Fields): void {
  defaultPodSpec(spec);
  fill(spec, { enableServiceLinks: true });
  for (const container of [...listOf(spec.containers), ...listOf(spec.initContainers)]) requestsFromLimits(container);
}

function requestsFromLimits(container: Fields): void {
  const resources = fieldsOf(container.resources);
  if (!isFields(resources.limits)) return;
  fill(ensureFields(resources, 'requests'), resources.limits);
}

function defaultHostPorts(container: Fields): void {
  for (const port of listOf(container.ports)) {
    if (port.hostPort === undefined || port.hostPort === 0) port.hostPort = port.containerPort;
  }
}

function defaultContainer(container: Fields): void {
  fillText(container, 'imagePullPolicy', hasMutableTag(textOf(container.image)) ? 'Always' : 'IfNotPresent');
  fillText(container, 'terminationMessagePath', '/dev/termination-log');
  fillText(container, 'terminationMessagePolicy', 'File');
  fill(container, { resources: {} });
  for (const port of listOf(container.ports)) fillText(port, 'protocol', 'TCP');
  for (const variable of listOf(container.env)) {
    defaultFieldRef(fieldsOf(variable.valueFrom).fieldRef);
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (isFields(container[probe])) defaultProbe(container[probe]);
  }
  const lifecycle = fieldsOf(container.lifecycle);
  for (const hook of ['postStart', 'preStop']) defaultHttpGet(fieldsOf(lifecycle[hook]).httpGet);
}

/** Whether a name without a digest has no tag, or `latest`. */
function hasMutableTag(image: string): boolean {
  if (image.includes('@')) return false;
  const last = image.slice(image.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 || last.slice(colon + 1) === 'latest';
}

function defaultProbe(probe: Fields): void {
  for (const [field, value] of [
    ['timeoutSeconds', 1],
    ['periodSeconds', 10],
    ['successThreshold', 1],
    ['failureThreshold', 3],
  ] as const) {
    if (probe[field] === undefined || probe[field] === 0) probe[field] = value;
  }
  defaultHttpGet(probe.httpGet);
  if (isFields(probe.grpc)) fill(probe.grpc, { service: '' });
}

function defaultHttpGet(action: unknown): void {
  if (!isFields(action)) return;
  fillText(action, 'path', '/');
  fillText(action, 'scheme', 'HTTP');
}

function defaultFieldRef(ref: unknown): void {
  if (isFields(ref)) fillText(ref, 'apiVersion', 'v1');
}

const FILE_MODE = 0o644;

function defaultVolume(volume: Fields): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    if (isFields(volume[source])) fill(volume[source], { defaultMode: FILE_MODE });
  }
  if (isFields(volume.hostPath)) fill(volume.hostPath, { type: '' });
  for (const item of listOf(fieldsOf(volume.downwardAPI).items)) defaultFieldRef(item.fieldRef);
  for (const source of listOf(fieldsOf(volume.projected).sources)) {
    if (isFields(source.serviceAccountToken)) fill(source.serviceAccountToken, { expirationSeconds: 3600 });
    for (const item of listOf(fieldsOf(source.downwardAPI).items)) defaultFieldRef(item.fieldRef);
  }
  const claim = fieldsOf(fieldsOf(volume.ephemeral).volumeClaimTemplate).spec;
  if (isFields(claim)) fill(claim, { volumeMode: 'Filesystem' });
}
