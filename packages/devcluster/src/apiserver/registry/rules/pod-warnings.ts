import type { AnyObject } from '@drey/kube';
import { labelErrors } from '../../validation/formats.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import type { KindRules } from './types.ts';

/** Warnings about a pod spec below `path` (`spec`, or `spec.template.spec`): ports that several containers declare. */
export function podSpecWarnings(spec: Fields, path: string): string[] {
  const warnings: string[] = [];
  const declared = new Map<string, { readonly at: string; readonly port: Fields }[]>();
  for (const list of ['initContainers', 'containers']) {
    for (const [container, { ports }] of listOf(spec[list]).entries()) {
      for (const [index, port] of listOf(ports).entries()) {
        const at = `${path}.${list}[${container}].ports[${index}]`;
        const key = `${String(port.containerPort)}/${String(port.protocol)}`;
        const others = declared.get(key) ?? [];
        for (const other of others) {
          const problem = portProblem(port, other.port);
          if (problem !== undefined) warnings.push(`${at}: ${problem} port definition with ${other.at}`);
        }
        declared.set(key, [...others, { at, port }]);
      }
    }
  }
  return warnings;
}

function portProblem(port: Fields, other: Fields): string | undefined {
  const [hostPort, otherHostPort] = [numberOf(port.hostPort) ?? 0, numberOf(other.hostPort) ?? 0];
  const [hostIp, otherHostIp] = [textOf(port.hostIP), textOf(other.hostIP)];
  if (hostPort === otherHostPort && hostIp === otherHostIp) return 'duplicate';
  if (hostPort === 0 || otherHostPort === 0) return 'overlapping';
  const oneIsOpen = (hostIp === '') !== (otherHostIp === '');
  return hostPort === otherHostPort && oneIsOpen ? 'dangerously ambiguous' : undefined;
}

/** Names that end up in the names of pods should be DNS labels. */
export function podNameWarnings({ metadata }: AnyObject, use = 'Pod names and hostnames'): string[] {
  const problems = labelErrors(metadata.name ?? '');
  if (problems.length === 0) return [];
  const advice = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used in ${use}, ${advice}: [${problems.join(' ')}]`];
}

/** Warnings of kinds with a pod template at `path`: of a new object, and of one whose generation rises. */
export function templateWarnings(
  path: string,
  options: { readonly names: boolean },
): NonNullable<KindRules['warnings']> {
  return (object, old) => {
    if (old !== undefined && old.metadata.generation === object.metadata.generation) return [];
    let template: Fields = object;
    for (const name of path.split('.')) template = fieldsOf(template[name]);
    const names = old === undefined && options.names ? podNameWarnings(object) : [];
    return [...names, ...podSpecWarnings(fieldsOf(template.spec), `${path}.spec`)];
  };
}
