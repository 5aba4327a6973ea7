import { customResetFields, resetFields, type SsaContext } from '../ssa/index.ts';
import { type Call, timestamp } from './context.ts';

/** What field ownership needs to know of a request. */
export function ownership(call: Call, manager: string): SsaContext {
  const { resource, core, subresource } = call;
  return {
    manager,
    apiVersion: resource.apiVersion,
    subresource: subresource?.name,
    time: timestamp(core.clock),
    schema: resource.schema,
    resetFields:
      resource.crd === undefined
        ? resetFields(resource.group, resource.kind, subresource?.name)
        : customResetFields(resource.crd.statusSubresource, subresource?.name),
    schemaOf: (apiVersion) => {
      const [version = '', group = ''] = apiVersion.split('/').reverse();
      return core.registry.findKind(group, version, resource.kind)?.schema;
    },
  };
}
