import { createHash } from 'node:crypto';
import { kubeconfig, type RunningApiServer, startApiServer } from '@drey/devcluster';
import { systemClock, systemRandom } from '@drey/kube';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findKubectl, type Kubectl, kubectlFor } from './kubectl-harness.ts';
import { type EchoNode, startEchoNode } from './kubectl-node.ts';

const available = await findKubectl();
if (available === undefined) console.log('kubectl suite: skipped, there is no kubectl on this machine');

const TOKEN = createHash('sha256').update(String(systemRandom.next())).digest('hex');

let server: RunningApiServer;
let node: EchoNode;
let kubectl: Kubectl;
let count = 0;
/** Each test has a namespace of its own. */
let ns: string;

beforeAll(async () => {
  if (available === undefined) return;
  node = await startEchoNode();
  server = await startApiServer({
    port: 0,
    clock: systemClock,
    random: systemRandom,
    tokens: [{ token: TOKEN, user: { name: 'admin', groups: ['system:masters'] } }],
    anonymous: false,
    serviceAccountAdmission: false,
    backendOf: (name) => (name === 'node-1' ? node.backend : undefined),
    onFault: (error) => console.error(error),
  });
  kubectl = kubectlFor(configFor({ token: TOKEN }));
});

afterAll(async () => {
  kubectl?.close();
  await server?.close(200);
  await node?.close();
});

beforeEach(async () => {
  count += 1;
  ns = `test-${count}`;
  if (available !== undefined) await kubectl.ok(`create namespace ${ns}`);
});

function configFor(credential: { token: string }): string {
  return kubeconfig({
    name: 'suite',
    url: server.url,
    authority: server.certificates.authority.certificate,
    credential,
    namespace: 'default',
  });
}

const deployment = (more: { image?: string; replicas?: number; labels?: object } = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: more.labels ?? { app: 'web' } },
  spec: {
    replicas: more.replicas ?? 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image: more.image ?? 'web:1', ports: [{ containerPort: 80 }] }] },
    },
  },
});

const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'web:1' }], ...spec },
});

/** A pod as its node would report it. */
async function runningPod(name: string): Promise<void> {
  await kubectl.ok(`apply -n ${ns} -f -`, pod(name));
  const status = {
    phase: 'Running',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [
      { name: 'main', image: 'web:1', imageID: '', ready: true, restartCount: 0, state: { running: {} } },
    ],
  };
  await kubectl.ok(`patch pod ${name} -n ${ns} --subresource=status --type=merge -p '${JSON.stringify({ status })}'`);
}

describe.skipIf(available === undefined)('kubectl', () => {
  it('applies, shows what is unchanged, and configures what is', async () => {
    expect(await kubectl.ok(`apply -n ${ns} -f -`, deployment())).toBe('deployment.apps/web created\n');
    expect(await kubectl.ok(`apply -n ${ns} -f -`, deployment())).toBe('deployment.apps/web unchanged\n');
    expect(await kubectl.ok(`apply -n ${ns} -f -`, deployment({ image: 'web:2' }))).toBe(
      'deployment.apps/web configured\n',
    );
    expect(await kubectl.ok(`get deploy web -n ${ns} -o jsonpath={.spec.template.spec.containers[0].image}`)).toBe(
      'web:2',
    );
    const wrong = await kubectl.run(`apply -n ${ns} -f -`, {
      ...deployment(),
      spec: { ...deployment().spec, replica: 1 },
    });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('unknown field "spec.replica"')]);
  });

  it('applies server-side, reports conflicts, and takes over by force', async () => {
    expect(await kubectl.ok(`apply --server-side -n ${ns} -f -`, deployment())).toBe(
      'deployment.apps/web serverside-applied\n',
    );
    const other = await kubectl.run(
      `apply --server-side --field-manager=other -n ${ns} -f -`,
      deployment({ image: 'web:9' }),
    );
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('conflict with "kubectl"')]);
    await kubectl.ok(
      `apply --server-side --force-conflicts --field-manager=other -n ${ns} -f -`,
      deployment({ image: 'web:9' }),
    );
    expect(await kubectl.ok(`get deploy web -n ${ns} -o jsonpath={.spec.template.spec.containers[0].image}`)).toBe(
      'web:9',
    );
  });

  it('moves from client-side to server-side apply', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    await kubectl.ok(`apply --server-side -n ${ns} -f -`, deployment({ replicas: 3 }));
    const managers = await kubectl.ok(
      `get deploy web -n ${ns} --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}`,
    );
    expect(managers.split(' ')).toContain('kubectl');
    expect(managers).not.toContain('kubectl-client-side-apply');
  });

  it('shows differences without making them', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    for (const flag of ['', '--server-side']) {
      const diff = await kubectl.run(`diff ${flag} -n ${ns} -f -`, deployment({ replicas: 5 }));
      expect([diff.code, diff.stdout]).toEqual([1, expect.stringMatching(/-\s+replicas: 2\n\+\s+replicas: 5/)]);
    }
    expect((await kubectl.run(`diff -n ${ns} -f -`, deployment())).code).toBe(0);
    expect(await kubectl.ok(`get deploy web -n ${ns} -o jsonpath={.spec.replicas}`)).toBe('2');
  });

  it('creates the kinds that it sends in the binary encoding', async () => {
    await kubectl.ok(`create configmap c -n ${ns} --from-literal=a=b`);
    await kubectl.ok(`create secret generic s -n ${ns} --from-literal=user=x`);
    await kubectl.ok(`create serviceaccount robot -n ${ns}`);
    await kubectl.ok(`create deployment d -n ${ns} --image=web:1 --replicas=3 --port=80`);
    await kubectl.ok(`create job j -n ${ns} --image=web:1 -- sleep 1`);
    await kubectl.ok(`create cronjob cj -n ${ns} --image=web:1 --schedule='*/5 * * * *' -- date`);
    await kubectl.ok(`create service clusterip svc -n ${ns} --tcp=80:8080`);
    await kubectl.ok(`create ingress i -n ${ns} --rule=a.example/x=svc:80`);
    await kubectl.ok(`create role r -n ${ns} --verb=get --resource=pods`);
    await kubectl.ok(`create rolebinding rb -n ${ns} --role=r --serviceaccount=${ns}:robot`);
    await kubectl.ok(`create quota q -n ${ns} --hard=pods=5,cpu=1`);
    await kubectl.ok(`create poddisruptionbudget pdb -n ${ns} --selector=app=web --min-available=50%`);
    await kubectl.ok(`create priorityclass high-${ns} --value=1000`);
    const read = (what: string, path: string) => kubectl.ok(`get ${what} -n ${ns} -o jsonpath=${path}`);
    expect(await read('secret/s', '{.data.user}{.type}')).toBe('eA==Opaque');
    expect(await read('deploy/d', '{.spec.replicas}{.spec.template.spec.containers[0].ports[0].containerPort}')).toBe(
      '380',
    );
    expect(await read('job/j', '{.spec.template.spec.containers[0].command}')).toBe('["sleep","1"]');
    expect(await read('cronjob/cj', '{.spec.schedule}')).toBe('*/5 * * * *');
    expect(await read('svc/svc', '{.spec.ports[0].targetPort}{.spec.type}')).toBe('8080ClusterIP');
    expect(await read('ingress/i', '{.spec.rules[0].http.paths[0].backend.service.port.number}')).toBe('80');
    expect(await read('rolebinding/rb', '{.subjects[0].kind}{.roleRef.name}')).toBe('ServiceAccountr');
    expect(await read('quota/q', '{.spec.hard.pods}{.spec.hard.cpu}')).toBe('51');
    expect(await read('pdb/pdb', '{.spec.minAvailable}')).toBe('50%');
    const twice = await kubectl.run(`create configmap c -n ${ns}`);
    expect([twice.code, twice.stderr.trim()]).toEqual([
      1,
      'error: failed to create configmap: configmaps "c" already exists',
    ]);
  });

  it('gets tables, wide tables, YAML, names and custom columns', async () => {
    await runningPod('p');
    await kubectl.ok(`create service clusterip svc -n ${ns} --tcp=80`);
    expect(await kubectl.ok(`get pods -n ${ns}`)).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE\np +1\/1 +Running +0 +\d+s\n$/,
    );
    expect(await kubectl.ok(`get pods -n ${ns} -o wide`)).toMatch(
      /p +1\/1 +Running +0 +\d+s +127\.0\.0\.1 +node-1 +<none> +<none>/,
    );
    expect(await kubectl.ok(`get pods,svc -n ${ns} -o name`)).toBe('pod/p\nservice/svc\n');
    expect(await kubectl.ok(`get pod p -n ${ns} -o yaml`)).toContain('\n  nodeName: node-1\n');
    expect(await kubectl.ok(`get pods -n ${ns} -o custom-columns=N:.metadata.name,I:.status.podIP`)).toMatch(
      /^N +I\np +127\.0\.0\.1\n$/,
    );
    expect(await kubectl.ok(`get pods -n ${ns} -l app=p --no-headers`)).toContain('Running');
    expect((await kubectl.run(`get pods -n ${ns} -l app=none`)).stderr).toContain('No resources found');
    expect(await kubectl.ok(`get pods -n ${ns} --field-selector=spec.nodeName=node-1 -o name`)).toBe('pod/p\n');
    expect(await kubectl.ok(`get all -n ${ns}`)).toContain('service/svc');
    expect((await kubectl.run(`get pod none -n ${ns}`)).stderr).toBe(
      'Error from server (NotFound): pods "none" not found\n',
    );
  });

  it('watches', async () => {
    const watch = kubectl.start(`get configmaps -n ${ns} -w --output-watch-events`);
    await kubectl.ok(`create configmap one -n ${ns}`);
    await expect.poll(watch.output, { timeout: 10_000 }).toMatch(/ADDED +one/);
    await kubectl.ok(`patch configmap one -n ${ns} --type=merge -p '{"data":{"a":"b"}}'`);
    await kubectl.ok(`delete configmap one -n ${ns}`);
    await expect.poll(watch.output, { timeout: 10_000 }).toMatch(/MODIFIED +one +1[\s\S]*DELETED +one/);
    await watch.stop();
  });

  it('describes', async () => {
    await runningPod('p');
    const text = await kubectl.ok(`describe pod p -n ${ns}`);
    expect(text).toMatch(/Node: +node-1/);
    expect(text).toMatch(/Ready: +True/);
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    expect(await kubectl.ok(`describe deploy web -n ${ns}`)).toMatch(/Replicas: +2 desired/);
  });

  it('labels, annotates, patches in every way, scales and sets images', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    await kubectl.ok(`label deploy web -n ${ns} tier=front`);
    await kubectl.ok(`annotate deploy web -n ${ns} note=hello`);
    await kubectl.ok(
      `patch deploy web -n ${ns} -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}}'`,
    );
    await kubectl.ok(`patch deploy web -n ${ns} --type=json -p '[{"op":"replace","path":"/spec/replicas","value":4}]'`);
    await kubectl.ok(`patch deploy web -n ${ns} --type=merge -p '{"spec":{"paused":true}}'`);
    await kubectl.ok(`set image deploy/web -n ${ns} main=web:7`);
    const read = (path: string) => kubectl.ok(`get deploy web -n ${ns} -o jsonpath=${path}`);
    expect(await read('{.metadata.labels.tier}{.metadata.annotations.note}')).toBe('fronthello');
    expect((await read('{.spec.template.spec.containers[*].image}')).split(' ').sort()).toEqual(['s:1', 'web:7']);
    expect(await read('{.spec.replicas}{.spec.paused}')).toBe('4true');
    await kubectl.ok(`scale deploy web -n ${ns} --replicas=1`);
    await kubectl.ok(`patch deploy web -n ${ns} --type=merge -p '{"spec":{"paused":false}}'`);
    await kubectl.ok(`rollout restart deploy web -n ${ns}`);
    expect(await read('{.spec.template.metadata.annotations}')).toContain('kubectl.kubernetes.io/restartedAt');
    expect(await read('{.spec.replicas}')).toBe('1');
    const stale = await kubectl.run(`scale deploy web -n ${ns} --current-replicas=9 --replicas=2`);
    expect(stale.code).toBe(1);
  });

  it('waits for conditions and for the end of objects', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, pod('p'));
    const ready = kubectl.start(`wait pod/p -n ${ns} --for=condition=Ready --timeout=20s`);
    await runningPod('p');
    expect((await ready.ended).code).toBe(0);
    await kubectl.ok(`create configmap c -n ${ns}`);
    const gone = kubectl.start(`wait configmap/c -n ${ns} --for=delete --timeout=20s`);
    await kubectl.ok(`delete configmap c -n ${ns}`);
    expect((await gone.ended).code).toBe(0);
  });

  it('follows a rollout to its end', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    const rollout = kubectl.start(`rollout status deploy/web -n ${ns} --timeout=20s`);
    await expect.poll(rollout.output, { timeout: 10_000 }).toContain('Waiting for deployment');
    const done = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
    await kubectl.ok(
      `patch deploy web -n ${ns} --subresource=status --type=merge -p '${JSON.stringify({ status: done })}'`,
    );
    const { code, stdout } = await rollout.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining('deployment "web" successfully rolled out')]);
  });

  it('deletes with every kind of cascade, and waits for it', async () => {
    for (const cascade of ['background', 'foreground', 'orphan']) {
      await kubectl.ok(`create configmap owner -n ${ns}`);
      const uid = await kubectl.ok(`get configmap owner -n ${ns} -o jsonpath={.metadata.uid}`);
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, blockOwnerDeletion: true }];
      const child = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `child-${cascade}`, ownerReferences } };
      await kubectl.ok(`create -n ${ns} -f -`, child);
      await kubectl.ok(`delete configmap owner -n ${ns} --cascade=${cascade} --timeout=20s`);
      if (cascade !== 'orphan') await kubectl.ok(`wait configmap/child-${cascade} -n ${ns} --for=delete --timeout=20s`);
    }
    const orphan = await kubectl.ok(`get configmap child-orphan -n ${ns} -o jsonpath={.metadata.ownerReferences}`);
    expect(orphan).toBe('');
    expect(await kubectl.ok(`delete configmap child-orphan -n ${ns} --dry-run=server`)).toContain(
      'deleted (server dry run)',
    );
    expect((await kubectl.run(`get configmap child-orphan -n ${ns}`)).code).toBe(0);
    expect(await kubectl.ok(`delete configmap --all -n ${ns}`)).toContain('"child-orphan" deleted');
  });

  it('deletes a namespace with all that is in it', async () => {
    await kubectl.ok(`apply -n ${ns} -f -`, deployment());
    await kubectl.ok(`create configmap c -n ${ns}`);
    expect(await kubectl.ok(`delete namespace ${ns} --timeout=30s`)).toBe(`namespace "${ns}" deleted\n`);
    expect((await kubectl.run(`get namespace ${ns}`)).code).toBe(1);
    expect((await kubectl.run('delete namespace default')).stderr).toContain('this namespace may not be deleted');
  });

  it('explains kinds, built-in and custom', async () => {
    expect(await kubectl.ok('explain deploy.spec.replicas')).toContain('FIELD: replicas <integer>');
    expect(await kubectl.ok('explain pods.spec.containers --recursive')).toContain('imagePullPolicy');
    await kubectl.ok('apply -f -', definition(ns));
    await kubectl.ok(`wait crd/fruits.${ns}.example.com --for=condition=Established --timeout=10s`);
    await expect
      .poll(async () => (await kubectl.run(`explain fruits.${ns}.example.com.spec.kg`)).stdout, { timeout: 20_000 })
      .toContain('weight');
    const fruit = { apiVersion: `${ns}.example.com/v1`, kind: 'Fruit', metadata: { name: 'apple' }, spec: { kg: 3 } };
    await kubectl.ok(`apply -n ${ns} -f -`, fruit);
    expect(await kubectl.ok(`get fr -n ${ns}`)).toMatch(/NAME +KG\napple +3\n/);
    const wrong = await kubectl.run(`apply -n ${ns} -f -`, { ...fruit, spec: { kg: 'many' } });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('spec.kg')]);
    await kubectl.ok(`delete crd fruits.${ns}.example.com`);
  });

  it('lists resources and versions', async () => {
    const table = await kubectl.ok('api-resources');
    expect(table).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/);
    expect(table).toMatch(/namespaces +ns +v1 +false +Namespace/);
    expect(await kubectl.ok('api-versions')).toContain('batch/v1\n');
    expect(await kubectl.ok('version')).toContain('Server Version: v1.34');
    expect(await kubectl.ok('cluster-info')).toContain(server.url);
    expect(await kubectl.ok('get --raw /readyz')).toBe('ok');
  });

  it('answers who may do what', async () => {
    expect(await kubectl.ok('auth can-i create pods')).toBe('yes\n');
    expect(await kubectl.ok('auth whoami -o jsonpath={.status.userInfo.username}')).toBe('admin');
    await kubectl.ok(`create serviceaccount robot -n ${ns}`);
    await kubectl.ok(`create role r -n ${ns} --verb=get,list --resource=pods`);
    await kubectl.ok(`create rolebinding rb -n ${ns} --role=r --serviceaccount=${ns}:robot`);
    const as = `--as=system:serviceaccount:${ns}:robot -n ${ns}`;
    expect(await kubectl.ok(`auth can-i list pods ${as}`)).toBe('yes\n');
    expect((await kubectl.run(`auth can-i delete pods ${as}`)).stdout).toBe('no\n');
    expect(await kubectl.ok(`auth can-i --list ${as}`)).toMatch(/pods +\[\] +\[\] +\[get list\]/);
    expect((await kubectl.run(`get secrets ${as}`)).stderr).toContain(
      `User "system:serviceaccount:${ns}:robot" cannot list resource "secrets" in API group "" in the namespace "${ns}"`,
    );
    const token = (await kubectl.ok(`create token robot -n ${ns} --duration=20m`)).trim();
    const robot = kubectlFor(configFor({ token }));
    expect(await robot.ok('auth whoami -o jsonpath={.status.userInfo.username}')).toBe(
      `system:serviceaccount:${ns}:robot`,
    );
    expect((await robot.run(`get pods -n ${ns}`)).code).toBe(0);
    expect((await robot.run(`delete pod any -n ${ns}`)).stderr).toContain('cannot delete resource "pods"');
    await kubectl.ok(`delete serviceaccount robot -n ${ns}`);
    expect((await robot.run(`get pods -n ${ns}`)).stderr).toContain('Unauthorized');
    robot.close();
  });

  it('shows and follows logs', async () => {
    await runningPod('p');
    expect(await kubectl.ok(`logs p -n ${ns}`)).toMatch(/^first\nsecond\n/);
    const follow = kubectl.start(`logs -f p -n ${ns} --tail=1`);
    await expect.poll(follow.output, { timeout: 10_000 }).not.toBe('');
    const line = `line of ${ns}`;
    node.log(line);
    await expect.poll(follow.output, { timeout: 10_000 }).toContain(line);
    await follow.stop();
    expect((await kubectl.run(`logs p -n ${ns} -c none`)).code).toBe(1);
  });

  it('runs commands in containers, with their exit codes and their input', async () => {
    await runningPod('p');
    expect(await kubectl.ok(`exec p -n ${ns} -- echo hello there`)).toBe('hello there\n');
    const failed = await kubectl.run(`exec p -n ${ns} -- fail 3`);
    expect([failed.code, failed.stderr]).toEqual([3, expect.stringContaining('it went wrong')]);
    expect(await kubectl.ok(`exec -i p -n ${ns} -- cat`, 'through the pipe')).toBe('through the pipe');
    await kubectl.ok(`run waiting --image=web:1 -n ${ns}`);
    expect((await kubectl.run(`exec waiting -n ${ns} -- echo`)).stderr).toContain(
      'pod waiting does not have a host assigned',
    );
  });

  it('forwards ports, more than one connection, and says what is refused', async () => {
    await runningPod('p');
    const forward = kubectl.start(`port-forward pod/p -n ${ns} :8080`);
    await expect.poll(forward.output, { timeout: 10_000 }).toMatch(/127\.0\.0\.1:\d+ -> 8080/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(forward.output())?.[1]);
    expect(await Promise.all([exchange(port, 'hello'), exchange(port, 'again')])).toEqual(['HELLO', 'AGAIN']);
    const large = 'x'.repeat(300_000);
    expect(await exchange(port, large)).toBe(large.toUpperCase());
    await forward.stop();
    const refused = kubectl.start(`port-forward pod/p -n ${ns} :1`);
    await expect.poll(refused.output, { timeout: 10_000 }).toMatch(/127\.0\.0\.1:\d+ -> 1/);
    await exchange(Number(/127\.0\.0\.1:(\d+)/.exec(refused.output())?.[1]), 'x').catch(() => undefined);
    await expect.poll(refused.output, { timeout: 10_000 }).toContain('connection refused');
    await refused.stop();
  });
});

/** Sends a text, half-closes, and reads to the end. */
async function exchange(port: number, text: string): Promise<string> {
  const { connect } = await import('node:net');
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function definition(group: string): object {
  const spec = { type: 'object', properties: { kg: { type: 'integer', description: 'weight' } }, required: ['kg'] };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `fruits.${group}.example.com` },
    spec: {
      group: `${group}.example.com`,
      scope: 'Namespaced',
      names: { plural: 'fruits', singular: 'fruit', kind: 'Fruit', shortNames: ['fr'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
          additionalPrinterColumns: [{ name: 'Kg', type: 'integer', jsonPath: '.spec.kg' }],
        },
      ],
    },
  };
}
