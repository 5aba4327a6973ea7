import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { HttpGetAction } from '@drey/kube';
import type { ProbeOutcome } from './probe.ts';

/** What probes and hooks do over the network. Never reject: not answering in time is an outcome. */

/** Succeeds on 200 to 399. Certificates are not checked, as kubelets do not either. */
export function httpGet(url: string, action: HttpGetAction, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const headers = Object.fromEntries((action.httpHeaders ?? []).map((h) => [h.name, h.value]));
    const options = {
      headers: { 'user-agent': 'kube-probe/1.34', ...headers },
      timeout: timeoutMs,
      agent: false as const,
    };
    const failed = (message: string): void => resolve({ ok: false, message: `Get "${url}": ${message}` });
    const onAnswer = (answer: import('node:http').IncomingMessage): void => {
      const status = answer.statusCode ?? 0;
      answer.resume();
      if (status >= 200 && status < 400) resolve({ ok: true });
      else resolve({ ok: false, message: `HTTP probe failed with statuscode: ${status}` });
    };
    const call = url.startsWith('https:')
      ? httpsRequest(url, { ...options, rejectUnauthorized: false }, onAnswer)
      : httpRequest(url, options, onAnswer);
    call.on('timeout', () => {
      failed('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
      call.destroy();
    });
    call.on('error', (error) => failed(error.message));
    call.end();
  });
}

/** Succeeds when a connection is accepted. */
export function tcpConnect(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (outcome: ProbeOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', () => end({ ok: true }));
    socket.on('timeout', () => end({ ok: false, message: `dial tcp ${host}:${port}: i/o timeout` }));
    socket.on('error', (error) => end({ ok: false, message: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}
