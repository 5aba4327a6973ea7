import { expect, it } from 'vitest';
import { hostsFile } from './hosts-file.ts';

const base = {
  podAddress: '127.64.0.7',
  podNamespace: 'team',
  hostname: 'web-0',
  localhostIsPod: false,
  hostAliases: [],
  services: [],
};

it('names services by bare name in their own namespace only', () => {
  const text = hostsFile({
    ...base,
    services: [
      { namespace: 'team', name: 'demo', addresses: ['127.64.0.8', '127.64.0.9'] },
      { namespace: 'other', name: 'demo', addresses: ['127.96.0.1'] },
    ],
  });
  expect(text.split('\n')).toEqual([
    '127.0.0.1\tlocalhost',
    '127.64.0.7\tweb-0',
    '127.64.0.8\tdemo.team demo.team.svc demo.team.svc.cluster.local demo',
    '127.64.0.9\tdemo.team demo.team.svc demo.team.svc.cluster.local demo',
    '127.96.0.1\tdemo.other demo.other.svc demo.other.svc.cluster.local',
    '',
  ]);
});

it('gives localhost the pod address for Flink, and the pod its subdomain name', () => {
  const text = hostsFile({
    ...base,
    localhostIsPod: true,
    subdomain: 'web',
    hostAliases: [{ address: '127.1.1.1', names: ['db', 'db.local'] }],
  });
  expect(text.split('\n')).toEqual([
    '127.64.0.7\tlocalhost',
    '127.64.0.7\tweb-0.web.team.svc.cluster.local web-0',
    '127.1.1.1\tdb db.local',
    '',
  ]);
});
