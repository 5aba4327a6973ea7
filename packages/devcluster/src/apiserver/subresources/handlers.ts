import type { Clock } from '@drey/kube';
import type { ConnectHandler } from '../model.ts';
import { logHandler } from './log.ts';
import type { PodAccess } from './pod-target.ts';
import { portForwardHandler } from './port-forward.ts';
import { nodeProxyHandler, podProxyHandler, serviceProxyHandler } from './proxy.ts';
import { attachHandler, execHandler } from './remote-command.ts';

/** The subresources of core kinds that are connections, as `plural/subresource`. */
export function connectHandlers(access: PodAccess, clock: Clock): Readonly<Record<string, ConnectHandler>> {
  return {
    'pods/log': logHandler(access, clock),
    'pods/exec': execHandler(access),
    'pods/attach': attachHandler(access),
    'pods/portforward': portForwardHandler(access),
    'pods/proxy': podProxyHandler(access),
    'services/proxy': serviceProxyHandler(access),
    'nodes/proxy': nodeProxyHandler(access),
  };
}
