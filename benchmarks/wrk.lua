-- wrk: the paths of a file in turn (`-- paths.txt`), or the URL alone; one line of JSON at the end.

function init(args)
  if args[1] then
    local requests, at = {}, 0
    for path in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", path)
    end
    request = function()
      at = at % #requests + 1
      return requests[at]
    end
  end
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p99":%.3f,"statuses":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
