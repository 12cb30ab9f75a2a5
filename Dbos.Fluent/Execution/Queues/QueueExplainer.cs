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

        if (OfRow(row, status) is { } closed)
        {
            return closed;
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
        var place = PlaceOf(queue, partition);
        return Limit(place, queue, counts) ?? FullSomewhere(place, queue, counts) ?? Next(place);
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

    // What keeps all of a queue's workflows, or those of this one's application.
    private static (string Reason, string Text)? OfRow(QueueRow row, WorkflowStatus status)
    {
        var name = row.Queue.Name;
        if (row.ApplicationName is { } owner && status.ApplicationName is { } own && owner != own)
        {
            return (
                ExplainReasons.QueueNotRegistered,
                $"waits in queue '{name}', which belongs to application '{owner}': nobody of application '{own}' serves it. Resume it into "
                + "a queue of its own application, by ResumeAsync, and give that queue another name.");
        }

        return row.IsShut
            ? (
                ExplainReasons.QueueLimit,
                $"waits in queue '{name}', which has a limit of zero, set by another program: register it with a limit, by "
                + "Queues.RegisterAsync.")
            : row.Paused ? (ExplainReasons.QueuePaused, $"waits in queue '{name}', which is paused. Queues.ResumeAsync ends that.")
            : null;
    }

    // In a queue with partition limits, all workflows without a partition key form one partition.
    private static string PlaceOf(WorkflowQueue queue, string? partition) => partition switch
    {
        null => $"queue '{queue.Name}'",
        QueueNames.NoPartition => $"partition '{partition}' of queue '{queue.Name}', that of all without a partition key",
        _ => $"partition '{partition}' of queue '{queue.Name}'",
    };

    // Not every engine serves every queue, and which do is not known. Those that run workflows of a queue serve it.
    private static (string Reason, string Text)? Limit(string partition, WorkflowQueue queue, PlaceCounts counts) =>
        queue switch
        {
            { Concurrency: { } most } when counts.Running >= most => (
                ExplainReasons.QueueLimit, $"waits in queue '{queue.Name}': {counts.Running} of at most {most} run (Concurrency)."),
            { PartitionConcurrency: { } most } when counts.RunningInPartition >= most => (
                ExplainReasons.PartitionLimit,
                $"waits in {partition}: {counts.RunningInPartition} of at most {most} run (PartitionConcurrency)."),
            { PartitionWorkerConcurrency: { } most } when counts.Executors.LeastInPartition >= most => (
                ExplainReasons.PartitionLimit,
                $"waits in {partition}: {At(counts.RunningInPartition, counts, most)} (PartitionWorkerConcurrency)."),
            { RateLimit: { } rate } when counts.Starts >= rate.Starts && counts.HoldingStartMs is { } holding =>
                Rate($"queue '{queue.Name}'", "RateLimit", rate, counts.Starts, holding),
            { PartitionRateLimit: { } rate }
                when counts.PartitionStarts >= rate.Starts && counts.HoldingPartitionStartMs is { } holding =>
                Rate(partition, "PartitionRateLimit", rate, counts.PartitionStarts, holding),
            { WorkerConcurrency: { } most } when counts.Executors.Least >= most => (
                ExplainReasons.WorkerLimit,
                $"waits in queue '{queue.Name}': {At(counts.Running, counts, most)} (WorkerConcurrency)."),
            _ => null,
        };

    private static string At(long running, PlaceCounts counts, int most) =>
        (running == 1 ? "1 runs" : $"{running} run")
        + (counts.Executors.Number == 1
            ? $" at 1 engine, which takes at most {most}"
            : $" at {counts.Executors.Number} engines, which take at most {most} each");

    private static (string Reason, string Text)? FullSomewhere(string where, WorkflowQueue queue, PlaceCounts counts)
    {
        var full = queue switch
        {
            { PartitionWorkerConcurrency: { } most } when counts.Executors.MostInPartition >= most =>
                $"{most} each (PartitionWorkerConcurrency)",
            { WorkerConcurrency: { } most } when counts.Executors.Most >= most => $"{most} each (WorkerConcurrency)",
            _ => null,
        };
        return full is null ? null : (
            ExplainReasons.Queued,
            $"waits in {where}, and some engines run as many as they take, {full}: it is taken when those before it have been, by an "
            + "engine that serves that queue and has room.");
    }

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
