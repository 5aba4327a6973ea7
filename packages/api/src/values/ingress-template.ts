import { type HostAndPath, readJavaUrl } from './java-url.ts';
import type { Reading } from './quantity.ts';

/** Where an ingress leads to: an empty host is every host, an empty path is every path. */
export type IngressTarget = HostAndPath;

/**
 * Expands an ingress template: `{{name}}` and `{{namespace}}` are filled in, in any letter case; host and path are those of
 * the URL that results. `http://` is put in front of a template that does not begin with it or with `https://`: no other
 * scheme is known, `ftp://x` has the host `ftp`. The reasons of a refusal are the words that the Apache operator uses.
 */
export function expandIngressTemplate(template: string, name: string, namespace: string): Reading<IngressTarget> {
  const refuse = (reason: string) =>
    ({ ok: false, reason: `Unable to process the Ingress template(${template}). Error: ${reason}` }) as const;
  const whole = /^https?:\/\//i.test(template) ? template : `http://${template}`;
  const named = fill(whole, /\{\{name\}\}/gi, name);
  if (!named.ok) return refuse(named.reason);
  const filled = fill(named.value, /\{\{namespace\}\}/gi, namespace);
  if (!filled.ok) return refuse(filled.reason);
  const url = readJavaUrl(filled.value);
  return url.ok ? url : refuse(url.reason);
}

/** Java reads a replacement as a pattern of its own: `\` keeps the next character as it is, `$0` is what was found. */
function fill(text: string, place: RegExp, value: string): Reading<string> {
  const wrong = /^(?:[^\\$]|\\.|\$0)*(\\$|\$(?!0).?)/s.exec(value)?.[1];
  if (wrong === undefined || text.search(place) < 0) {
    const readable = (found: string) => value.replace(/\\(.)|\$0/gs, (_all, kept: string | undefined) => kept ?? found);
    return { ok: true, value: text.replace(place, readable) };
  }
  return { ok: false, reason: `${JSON.stringify(value)} cannot be filled in because of its ${JSON.stringify(wrong)}` };
}
