import { describe, expect, it } from 'vitest';
import { resolveImage } from './images.ts';

const installed = ['1.20.5', '2.3.0'];
const asked: string[] = [];
const options = {
  mappings: {
    'registry.local/team/*': { as: 'flink:1.20', usrlib: '/jars' },
    'tools:1': { as: 'host' },
  },
  async findDistribution(version: string) {
    asked.push(version);
    const found = installed.findLast((v) => v.startsWith(version));
    return found === undefined
      ? undefined
      : { version: found, home: `/dist/${found}`, javaHome: '/java', javaMajor: 17, archives: {} };
  },
};
const idOf = async (image: string) => {
  const outcome = await resolveImage(image, options);
  return outcome.ok ? outcome.imageId : outcome.message;
};

describe('images', () => {
  it('finds Flink distributions by every usual name', async () => {
    for (const image of [
      'flink:1.20',
      'flink:1.20.5',
      'apache/flink:1.20.5-scala_2.12-java17',
      'docker.io/library/flink:1.20@sha256:0a',
    ])
      expect(await idOf(image), image).toBe('drey://flink@1.20.5');
    for (const image of ['flink', 'flink:latest', 'apache/flink:2.3-java21', 'flink:scala_2.12-java17'])
      expect(await idOf(image), image).toBe('drey://flink@2.3.0');
  });

  it('maps names the user gave, and knows shell images', async () => {
    const mapped = await resolveImage('registry.local/team/job:7', options);
    expect(mapped).toMatchObject({ ok: true, image: { kind: 'flink', usrlib: '/jars' } });
    for (const image of ['tools:1', 'busybox', 'busybox:1.36', 'docker.io/library/alpine:3'])
      expect(await idOf(image), image).toBe('drey://host');
  });

  it('says how to get on when there is nothing', async () => {
    expect(await idOf('nginx:1')).toMatch(/^E_IMAGE_UNKNOWN: .*drey up --image 'nginx:1=flink:1.20'$/);
    expect(await idOf('tools:2')).toMatch(/^E_IMAGE_UNKNOWN/);
    expect(await idOf('flink:1.19')).toMatch(/^E_FLINK_NOT_INSTALLED: .*drey flink install 1\.19$/);
    expect(await idOf('flink:nightly')).toMatch(/^E_IMAGE_TAG/);
  });
});
