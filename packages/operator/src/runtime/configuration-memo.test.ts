import type { FlinkDeployment } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { describe, expect, it, vi } from 'vitest';
import { rememberedConfiguration } from './configuration-memo.ts';

const deployment = (name: string, image: string): FlinkDeployment =>
  ({ metadata: { namespace: 'default', name }, spec: { image } }) as FlinkDeployment;
const build = ({ spec }: FlinkDeployment): FlinkConfig => FlinkConfig.of({ image: spec.image ?? '' });

describe('A remembered configuration', () => {
  it('is built once for equal specs of one object, however often they are read', () => {
    const spy = vi.fn(build);
    const of = rememberedConfiguration(spy);
    expect(of(deployment('a', 'x')).raw('image')).toBe('x');
    expect(of(deployment('a', 'x')).raw('image')).toBe('x');
    expect(spy).toHaveBeenCalledTimes(1);
  });

  it('is another one for another spec or another object', () => {
    const spy = vi.fn(build);
    const of = rememberedConfiguration(spy);
    expect(of(deployment('a', 'x')).raw('image')).toBe('x');
    expect(of(deployment('a', 'y')).raw('image')).toBe('y');
    of(deployment('b', 'x'));
    expect(spy).toHaveBeenCalledTimes(3);
  });

  it('fails again for a spec of which none can be made', () => {
    const of = rememberedConfiguration(() => {
      throw new Error('no version');
    });
    expect(() => of(deployment('a', 'x'))).toThrow('no version');
    expect(() => of(deployment('a', 'x'))).toThrow('no version');
  });

  it('forgets what was not asked for longest', () => {
    const spy = vi.fn(build);
    const of = rememberedConfiguration(spy, 2);
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) of(deployment(name, 'x'));
    expect(spy).toHaveBeenCalledTimes(4);
  });
});
