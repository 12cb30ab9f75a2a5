using System.Globalization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Says why an enqueued workflow has not been taken.</summary>
internal sealed class QueueExplainer(IStore store)
{
    public async Task<(string Reason, string Text)> ExplainAsync(WorkflowStatus status, CancellationToken cancellationToken)
    {
        var code = await store.Versions.ReadCodeAsync(
            status.ApplicationName, status.ApplicationVersion, status.Name, cancellationToken).ConfigureAwait(false);
        if (code.Takers == 0)
        {
            return OfMissing(status, code);
        }

        var name = status.Queue ?? QueueNames.Internal;
        var row = await store.Queues.ReadAsync(name, cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            return name == QueueNames.Internal ? Next("the internal queue") : (
                ExplainReasons.QueueNotRegistered,
                $"waits in queue '{name}', which nobody has registered: it is taken once that is done, by EngineOptions.Add or "
                + "Queues.RegisterAsync.");
        }

        if (row.Paused)
        {
            return (ExplainReasons.QueuePaused, $"waits in queue '{name}', which is paused. Queues.ResumeAsync ends that.");
        }

        var queue = row.Queue;
        var partition = queue.IsPartitioned ? status.PartitionKey ?? QueueNames.NoPartition : null;
        var question = new PlaceQuestion(
            name, partition, status.ApplicationName, Window(queue.RateLimit), Window(queue.PartitionRateLimit))
        {
            StartsMax = queue.RateLimit?.Starts,
            PartitionStartsMax = queue.PartitionRateLimit?.Starts,
        };
        var counts = await store.Versions.ReadPlaceAsync(question, cancellationToken).ConfigureAwait(false);
        return Limit(PlaceOf(queue, partition), queue, counts, code) ?? Next(PlaceOf(queue, partition));
    }

    /// <summary>Explains why no living engine takes a workflow, and what can be done.</summary>
    public static (string Reason, string Text) OfMissing(WorkflowStatus status, CodeStanding code) => (
        code.Engines == 0 ? ExplainReasons.NoEngine : code.WithName == 0 ? ExplainReasons.NameNotServed : ExplainReasons.VersionNotRunning,
        $"waits in vain: {Missing(status, code)}");

    public static string Missing(WorkflowStatus status, CodeStanding code) =>
        code.Engines == 0 ? $"no engine of application '{status.ApplicationName ?? "(any)"}' is alive. Launch one."
        : code.WithName == 0
            ? $"no engine that is alive has a workflow '{status.Name}'. Register it and launch, or cancel the workflow."
        : status.ApplicationVersion is { } version
            ? $"no engine that is alive runs version '{version}', or has the same code of it. Launch that version, or adopt the work by "
                + "Versions.AdoptAsync on an engine that can go on with it."
        : $"it is bound to no version, so it is for the latest, '{code.Latest}', which no engine that is alive runs. Launch that version, "
            + "or make another the latest by Versions.SetLatestAsync.";

    // In a queue with partition limits, all workflows without a partition key form one partition.
    private static string PlaceOf(WorkflowQueue queue, string? partition) => partition switch
    {
        null => $"queue '{queue.Name}'",
        QueueNames.NoPartition => $"partition '{partition}' of queue '{queue.Name}', that of all without a partition key",
        _ => $"partition '{partition}' of queue '{queue.Name}'",
    };

    private static (string Reason, string Text)? Limit(string partition, WorkflowQueue queue, PlaceCounts counts, CodeStanding code) =>
        queue switch
        {
            { Concurrency: { } most } when counts.Running >= most => (
                ExplainReasons.QueueLimit, $"waits in queue '{queue.Name}': {counts.Running} of at most {most} run (Concurrency)."),
            { PartitionConcurrency: { } most } when counts.RunningInPartition >= most => (
                ExplainReasons.PartitionLimit,
                $"waits in {partition}: {counts.RunningInPartition} of at most {most} run (PartitionConcurrency)."),
            { PartitionWorkerConcurrency: { } most } when counts.RunningInPartition >= most * code.Engines => (
                ExplainReasons.PartitionLimit,
                $"waits in {partition}: {counts.RunningInPartition} run, and {code.Engines} engines take at most {most} each "
                + "(PartitionWorkerConcurrency)."),
            { RateLimit: { } rate } when counts.Starts >= rate.Starts && counts.HoldingStartMs is { } holding =>
                Rate($"queue '{queue.Name}'", "RateLimit", rate, counts.Starts, holding),
            { PartitionRateLimit: { } rate }
                when counts.PartitionStarts >= rate.Starts && counts.HoldingPartitionStartMs is { } holding =>
                Rate(partition, "PartitionRateLimit", rate, counts.PartitionStarts, holding),
            { WorkerConcurrency: { } most } when counts.Running >= most * code.Engines => (
                ExplainReasons.WorkerLimit,
                $"waits in queue '{queue.Name}': {counts.Running} run, and {code.Engines} engines take at most {most} each "
                + "(WorkerConcurrency)."),
            _ => null,
        };

    private static (string Reason, string Text) Rate(string where, string limit, RateLimit rate, long starts, long holdingMs)
    {
        // After a limit is lowered, the window may hold more starts than allowed. Then the first start to leave makes no room.
        var next = holdingMs + (long)rate.Per.TotalMilliseconds;
        return (
            ExplainReasons.RateLimit,
            string.Create(
                CultureInfo.InvariantCulture,
                $"waits in {where}: {starts} of at most {rate.Starts} were started within {rate.Per:c} ({limit}); the next may start at "
                    + $"{WorkflowExplainer.Moment(next)}."));
    }

    private static (string Reason, string Text) Next(string where) => (
        ExplainReasons.Queued,
        $"waits in {where} and nothing holds it back: it is taken when those before it have been, by an engine that serves that queue and "
        + "has room.");

    private static long? Window(RateLimit? rate) => rate is null ? null : (long)rate.Per.TotalMilliseconds;
}
