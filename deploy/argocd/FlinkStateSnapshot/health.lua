-- Health of a FlinkStateSnapshot.

local function health(status, message)
  return { status = status, message = message or "" }
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "The snapshot is being deleted.")
end
if obj.status == nil or obj.status.state == nil then
  return health("Progressing", "Waiting for the operator.")
end

local state = obj.status.state

if state == "COMPLETED" then
  return health("Healthy", obj.status.path)
end
if state == "FAILED" or state == "ABANDONED" then
  return health("Degraded", obj.status.error or ("The snapshot is " .. state .. "."))
end
return health("Progressing", obj.status.summary or ("The snapshot is " .. state .. "."))
