export {
  aDeployment,
  aJob,
  anOldJobManager,
  aPod,
  aRunning,
  aWorld,
  haWith,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from './worlds.ts';
export { goodResource, type WrongResource, wrongResources } from './wrong-resources.ts';
