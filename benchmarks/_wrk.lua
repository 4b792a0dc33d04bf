-- Arguments: the status expected, an entity tag to ask with or "", a file with one form body a line or "".
-- Prints one line of JSON at the end. A wrong status is an error like a broken connection.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  expected, bad, at, bodies = tonumber(args[1]), 0, 0, {}
  if args[2] ~= "" then wrk.headers["If-None-Match"] = args[2] end
  if args[3] ~= "" then
    for line in io.lines(args[3]) do bodies[#bodies + 1] = line end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrk.headers["Sec-Fetch-Site"] = "same-origin"
  end
end

function request()
  if #bodies == 0 then return wrk.format() end
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end

function response(status)
  if status ~= expected then bad = bad + 1 end
end

function done(summary, latency)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do errors = errors + thread:get("bad") end
  print(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors))
end
