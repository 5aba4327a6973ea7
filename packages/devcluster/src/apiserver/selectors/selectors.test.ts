import { describe, expect, it } from 'vitest';
import { StatusError } from '../model.ts';
import { ResourceRegistry } from '../registry/registry.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

const LABELS = { env: 'prod', tier: '', n: '7' };

function messageOf(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (error) {
    return error instanceof StatusError ? error.message : `not a status: ${String(error)}`;
  }
}

describe('label selectors', () => {
  it.each([
    ['env=prod', true],
    ['env == prod , tier', true],
    ['env!=prod', false],
    ['absent!=x', true],
    ['env in (dev,prod)', true],
    ['env notin (dev,prod)', false],
    ['tier in ()', true],
    ['tier in (a,)', true],
    ['!env', false],
    ['!absent', true],
    ['n>6', true],
    ['n<7', false],
    ['env>6', false],
    ['in=x', false],
    ['', true],
  ])('%s', (text, matches) => {
    expect(parseLabelSelector(text)?.(LABELS) ?? true).toBe(matches);
  });

  it.each([
    ['env in prod', "unable to parse requirement: found 'prod' expected: '('"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['bad key=x', "unable to parse requirement: found 'key', expected: in, notin, =, ==, !=, gt, lt"],
    ['a,', "found '', expected: identifier after ','"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
  ])('%s is refused in the words of the real parser', (text, message) => {
    expect(messageOf(() => parseLabelSelector(text))).toBe(message);
  });
});

describe('field selectors', () => {
  const pods = new ResourceRegistry().find('', 'v1', 'pods');
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n' }, spec: { nodeName: 'x,y' } };

  it.each([
    ['metadata.name=a,metadata.namespace==n', true],
    ['metadata.name!=a', false],
    ['spec.nodeName=x\\,y', true],
    ['status.phase=', true],
  ])('%s', (text, matches) => {
    expect(pods && parseFieldSelector(pods, text)?.matches(pod)).toBe(matches);
  });

  it('refuses fields that the kind does not offer', () => {
    expect(messageOf(() => pods && parseFieldSelector(pods, 'spec.hostname=x'))).toBe(
      'field label not supported: spec.hostname',
    );
  });
});
