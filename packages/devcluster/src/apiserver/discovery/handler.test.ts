import { describe, expect, it } from 'vitest';
import { ResourceRegistry } from '../registry/registry.ts';
import { compareVersions } from './groups.ts';
import { createNonResourceHandler } from './handler.ts';

const registry = new ResourceRegistry();
const handler = createNonResourceHandler({
  registry,
  objects: { get: () => undefined, list: () => [] },
  serverAddress: () => '127.0.0.1:6443',
  serviceAccounts: { issuer: 'https://issuer', jwks: { keys: [] } },
});

function get(target: string, headers: Record<string, string> = {}, method = 'GET') {
  const [path = '', query = ''] = target.split('?');
  const response = handler(method, path, new URLSearchParams(query), headers);
  if (response === undefined) return undefined;
  const body = response.body instanceof Uint8Array ? Buffer.from(response.body).toString('utf8') : '';
  return { ...response, text: body, json: () => JSON.parse(body) };
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

describe('discovery', () => {
  it('answers the roots in the form that is asked for', () => {
    expect(get('/api')?.json()).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const aggregated = get('/apis', { accept: `${AGGREGATED},application/json` });
    expect(aggregated?.headers['content-type']).toBe(AGGREGATED);
    const [first] = aggregated!.json().items;
    expect(first).toMatchObject({
      metadata: { name: 'apiregistration.k8s.io' },
      versions: [{ version: 'v1', freshness: 'Current' }],
    });
    expect(get('/apis', { accept: 'application/vnd.kubernetes.protobuf' })?.status).toBe(406);
    expect(get('/apis/apps', { accept: AGGREGATED })?.status).toBe(406);
  });

  it('lists resources with their subresources by name', () => {
    const list = get('/apis/apps/v1')?.json();
    const names = list.resources.map(({ name }: { name: string }) => name);
    expect(names.slice(0, 6)).toEqual([
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
    ]);
    expect([get('/apis/apps/v9')?.status, get('/apis/none')?.text, get('/none')]).toEqual([
      404,
      '404 page not found\n',
      undefined,
    ]);
  });

  it('hashes what a resource is stored as', () => {
    const hashOf = (path: string, wanted: string): string | undefined =>
      get(path)!
        .json()
        .resources.find(({ name }: { name: string }) => name === wanted).storageVersionHash;
    expect(hashOf('/api/v1', 'configmaps')).toBe('qFsyl6wFWjQ=');
    expect(hashOf('/apis/apps/v1', 'deployments')).toBe('8aSe+NMegvE=');
    expect(hashOf('/apis/events.k8s.io/v1', 'events')).toBe(hashOf('/api/v1', 'events'));
    expect(hashOf('/api/v1', 'bindings')).toBeUndefined();
    expect(hashOf('/api/v1', 'pods/log')).toBeUndefined();
  });

  it('orders versions as Kubernetes does', () => {
    const versions = ['v1alpha1', 'foo', 'v1', 'v2beta1', 'v10', 'v1beta2', 'v2'];
    expect(versions.sort(compareVersions)).toEqual(['v10', 'v2', 'v1', 'v2beta1', 'v1beta2', 'v1alpha1', 'foo']);
  });

  it('serves OpenAPI documents under their hash, complete in themselves', () => {
    const { paths } = get('/openapi/v3')!.json();
    const url = paths['apis/apps/v1'].serverRelativeURL as string;
    const document = get(url);
    expect(document?.headers['cache-control']).toContain('immutable');
    expect(get(url.replace(/hash=.*/, 'hash=0'))).toMatchObject({ status: 301, headers: { location: url } });
    expect(get(url, { 'if-none-match': document?.headers.etag ?? '' })?.status).toBe(304);
    const { components, paths: operations } = document!.json();
    const patch = operations['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'].patch;
    expect([patch.operationId, patch.tags]).toEqual(['patchAppsV1NamespacedDeployment', ['apps_v1']]);
    expect(patch.parameters.map(({ name }: { name: string }) => name)).toContain('fieldValidation');
    const known = Object.keys(components.schemas);
    const referenced = [...document!.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
    expect(known).toContain('io.k8s.api.core.v1.PodSpec');
    expect(referenced.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('serves the older OpenAPI form with references of its own', () => {
    const swagger = get('/openapi/v2', { accept: 'application/json' });
    expect(swagger?.json()).toMatchObject({ swagger: '2.0' });
    expect(swagger?.text).not.toContain('#/components/');
    expect(get('/openapi/v2', { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' })?.status).toBe(
      406,
    );
  });

  it('answers version, health, and keys', () => {
    expect(get('/version')?.json()).toMatchObject({ major: '1', minor: '34', gitVersion: 'v1.34.4' });
    expect(get('/version', {}, 'POST')?.status).toBe(405);
    expect([get('/livez')?.text, get('/readyz/ping')?.text, get('/livez/none')?.status]).toEqual(['ok', 'ok', 404]);
    expect(get('/healthz?verbose')?.text).toContain('[+]ping ok\n');
    expect(get('/.well-known/openid-configuration')?.json()).toMatchObject({ issuer: 'https://issuer' });
    expect(get('/openid/v1/jwks')?.json()).toEqual({ keys: [] });
  });
});
