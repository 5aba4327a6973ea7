export { applyServerSide, keepTimesOfNoop, recordUpdate, type SsaContext } from './manager.ts';
export { customResetFields, resetFields } from './reset-fields.ts';
export { type ReplicasPaths, scaleOwners, scaleOwnersToParent } from './scale.ts';
