import type { AnyObject } from '@drey/kube';
import { compileCrd } from './compile.ts';
import type { CompiledVersion } from './compiled.ts';
import type { JsonSchema } from './json-schema.ts';

/** Custom resources for tests. */

/** A custom resource whose spec has the given properties. */
export function versionOf(properties: Readonly<Record<string, JsonSchema>>, more: object = {}): CompiledVersion {
  const schema = { type: 'object', properties: { spec: { type: 'object', properties } } };
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }];
  const spec = { group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'x' },
    spec,
  };
  const compiled = compileCrd(crd as AnyObject).get('v1');
  if (compiled === undefined) throw new Error('no version');
  return compiled;
}

export const thing = (spec?: object, metadata: object = {}): AnyObject =>
  ({
    apiVersion: 'example.com/v1',
    kind: 'Thing',
    metadata: { name: 't', ...metadata },
    ...(spec ? { spec } : {}),
  }) as AnyObject;

export function errorsOf(version: CompiledVersion, spec: object, old?: object): string[] {
  const errors = version.validate(thing(spec), old === undefined ? undefined : thing(old));
  return errors.map((e) => `${e.field}: ${e.message}`);
}
