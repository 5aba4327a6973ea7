-- Health of a FlinkDeployment, for clusters managed by Drey (conditions) and by the Apache operator (lifecycleState).

local function condition(name)
  if obj.status.conditions == nil then
    return nil
  end
  for _, one in ipairs(obj.status.conditions) do
    if one.type == name then
      return one
    end
  end
  return nil
end

local function is_current(one)
  return one.observedGeneration == nil or obj.metadata.generation == nil
    or one.observedGeneration == obj.metadata.generation
end

local function health(status, message)
  return { status = status, message = message or "" }
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "The deployment is being deleted.")
end
if obj.status == nil or obj.status.lifecycleState == nil then
  return health("Progressing", "Waiting for the operator.")
end

local lifecycle = obj.status.lifecycleState
local ready = condition("Ready")

if ready ~= nil then
  local stalled = condition("Stalled")
  if not is_current(ready) then
    return health("Progressing", "Waiting for the operator to look at the newest spec.")
  end
  if stalled ~= nil and stalled.status == "True" then
    return health("Degraded", stalled.message)
  end
  if ready.status == "True" then
    if lifecycle == "SUSPENDED" then
      return health("Suspended", ready.message)
    end
    return health("Healthy", obj.status.summary or ready.message)
  end
  if lifecycle == "FAILED" or lifecycle == "ROLLED_BACK" then
    return health("Degraded", ready.message)
  end
  return health("Progressing", ready.message)
end

local job = nil
if obj.status.jobStatus ~= nil then
  job = obj.status.jobStatus.state
end
local has_error = obj.status.error ~= nil and obj.status.error ~= ""

if lifecycle == "SUSPENDED" then
  return health("Suspended", "The job is suspended.")
end
if lifecycle == "FAILED" then
  return health("Degraded", obj.status.error)
end
if lifecycle == "ROLLED_BACK" then
  return health("Degraded", "The newest spec did not run; the last stable one does.")
end
if obj.status.jobManagerDeploymentStatus == "ERROR" then
  return health("Degraded", obj.status.error)
end
if obj.status.observedGeneration ~= nil and obj.metadata.generation ~= nil
  and obj.status.observedGeneration < obj.metadata.generation then
  if has_error then
    return health("Degraded", obj.status.error)
  end
  return health("Progressing", "Waiting for the operator to carry out the newest spec.")
end
if lifecycle == "STABLE" then
  if obj.spec ~= nil and obj.spec.job == nil then
    if obj.status.jobManagerDeploymentStatus == "READY" then
      return health("Healthy", "The session cluster is ready.")
    end
  elseif job == "RUNNING" or job == "FINISHED" then
    return health("Healthy", "The job is " .. job .. ".")
  end
end
return health("Progressing", lifecycle .. (job ~= nil and (", the job is " .. job) or ""))
