using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>The gauge <c>dbos.workflows.stranded</c>: the unfinished workflows that no running engine takes, by version and name.</summary>
internal static class StrandedCounts
{
    private static readonly ConcurrentDictionary<StrandedWatch, (string Application, IReadOnlyList<StrandedRow> Rows)> Seen = new();
    private static readonly Meter Meter = new("Dbos.Fluent");

    static StrandedCounts() => Meter.CreateObservableGauge(
        "dbos.workflows.stranded", Measure, "{workflow}", "Unfinished workflows whose version or name no running engine has the code of.");

    public static void Set(StrandedWatch watch, string applicationName, IReadOnlyList<StrandedRow> rows) =>
        Seen[watch] = (applicationName, rows);

    public static void Forget(StrandedWatch watch) => Seen.TryRemove(watch, out _);

    private static IEnumerable<Measurement<long>> Measure() =>
        from seen in Seen.Values
        from row in seen.Rows
        select new Measurement<long>(
            row.Count,
            new KeyValuePair<string, object?>("dbos.application.name", seen.Application),
            new KeyValuePair<string, object?>("dbos.application.version", row.Version),
            new KeyValuePair<string, object?>("dbos.operation.name", row.Name));
}
