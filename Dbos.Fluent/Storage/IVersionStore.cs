namespace Dbos.Fluent.Storage;

/// <summary>Stores the versions of applications and the code of each, and reads the unfinished work bound to them.</summary>
internal interface IVersionStore
{
    /// <summary>Reads the versions of an application and those without one, latest first; null reads those of all applications.</summary>
    Task<IReadOnlyList<VersionRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>Makes a registered version the latest one; false if it is not registered.</summary>
    Task<bool> SetLatestAsync(string? applicationName, string version, CancellationToken cancellationToken);

    /// <summary>
    /// Reads a page of an application's unfinished workflows that are bound to a version, by id behind <paramref name="after"/>.
    /// </summary>
    Task<IReadOnlyList<UnfinishedRow>> ReadUnfinishedAsync(
        string applicationName, string version, string after, int limit, CancellationToken cancellationToken);

    /// <summary>Binds a waiting workflow to another version; false if its row has changed since it was read.</summary>
    Task<bool> AdoptAsync(AdoptedRow adopted, CancellationToken cancellationToken);

    /// <summary>Reads which live engines of an application would take a workflow of this name and version.</summary>
    /// <param name="applicationName">The application; null for any.</param>
    /// <param name="version">The version that the workflow is bound to; null if it may run on the latest.</param>
    /// <param name="workflowName">Its name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    Task<CodeStanding> ReadCodeAsync(string? applicationName, string? version, string workflowName, CancellationToken cancellationToken);

    /// <summary>
    /// Reads a page of unfinished workflows in one state, oldest first, and counts by version and name those of an application that no live
    /// engine would take. A workflow of no application counts if its queue is the application's and it is not PENDING: such PENDING
    /// workflows are never handed on.
    /// </summary>
    Task<StrandedPage> ReadStrandedAsync(StrandedQuestion question, CancellationToken cancellationToken);

    /// <summary>Reads what a parked workflow waits for; empty if it is not parked.</summary>
    Task<IReadOnlyList<WaitRow>> ReadWaitsAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Reads what currently counts against the limits of a queue.</summary>
    Task<PlaceCounts> ReadPlaceAsync(PlaceQuestion question, CancellationToken cancellationToken);
}

/// <summary>A row of <c>application_versions</c>; a row without an application applies to every one.</summary>
internal sealed record VersionRow(string Name, long RegisteredAtMs, string? ApplicationName);

/// <summary>An unfinished workflow, with what is needed to adopt it.</summary>
/// <param name="Work">The workflow as a claim would return it, with an empty token.</param>
/// <param name="State">ENQUEUED, DELAYED or PENDING.</param>
/// <param name="ExecutorId">Its current or last executor.</param>
/// <param name="UpdatedAtMs">When its row last changed.</param>
internal sealed record UnfinishedRow(ClaimedWorkflow Work, WorkflowState State, string? ExecutorId, long UpdatedAtMs);

/// <summary>A workflow to bind to another version.</summary>
internal sealed record AdoptedRow(string WorkflowId, string FromVersion, string ToVersion, long UpdatedAtMs);

/// <summary>Tells which engines have the code of a workflow.</summary>
/// <param name="Takers">How many live engines would take it.</param>
/// <param name="WithName">How many have a workflow of this name, in any version.</param>
/// <param name="Engines">How many engines of the application are alive.</param>
/// <param name="Latest">
/// The latest version of the application, or of each that has a live engine with this name, as <c>v1', 'v2</c>.
/// </param>
internal sealed record CodeStanding(long Takers, long WithName, long Engines, string? Latest);

/// <summary>Asks which unfinished workflows no engine takes.</summary>
/// <param name="ApplicationName">Their application.</param>
/// <param name="State">ENQUEUED, DELAYED or PENDING.</param>
/// <param name="After">The last position of the previous page, in order of creation.</param>
/// <param name="Limit">How many workflows to look at, of any application.</param>
internal sealed record StrandedQuestion(string ApplicationName, WorkflowState State, PageKey After, int Limit);

/// <summary>The result of one page.</summary>
/// <param name="Rows">Workflows that no engine takes.</param>
/// <param name="Looked">How many were looked at.</param>
/// <param name="Last">The position of the last one looked at; null if there was none.</param>
internal sealed record StrandedPage(IReadOnlyList<StrandedRow> Rows, long Looked, PageKey? Last)
{
    /// <summary>Builds a page from a store's rows: the only row with a moment tells how many workflows were looked at.</summary>
    public static StrandedPage Of(IReadOnlyList<(StrandedRow Row, long? AtMs)> rows)
    {
        StrandedRow[] found = [.. rows.Where(row => row.AtMs is null).Select(row => row.Row)];
        return rows.FirstOrDefault(row => row.AtMs is not null) is { AtMs: { } at, Row: var last }
            ? new StrandedPage(found, last.Count, new PageKey(at, last.ExampleId))
            : new StrandedPage(found, 0, null);
    }
}

/// <summary>Workflows of one version and name that no engine takes.</summary>
/// <param name="Version">The version they are bound to; null if they may run on the latest.</param>
/// <param name="Name">Their name.</param>
/// <param name="Count">How many.</param>
/// <param name="ExampleId">One of them.</param>
internal sealed record StrandedRow(string? Version, string Name, long Count, string ExampleId);

/// <summary>Asks what counts against the limits of a queue.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="PartitionKey">The partition; null if there is none.</param>
/// <param name="ApplicationName">The application; rows of no application count too.</param>
/// <param name="WindowMs">The length of the queue's rate window; null if it has none.</param>
/// <param name="PartitionWindowMs">The length of the partition's rate window.</param>
internal sealed record PlaceQuestion(string Queue, string? PartitionKey, string? ApplicationName, long? WindowMs, long? PartitionWindowMs)
{
    /// <summary>How many may start in the queue's window.</summary>
    public long? StartsMax { get; init; }

    /// <summary>How many of the partition may start in its window.</summary>
    public long? PartitionStartsMax { get; init; }
}

/// <summary>What counts against the limits of a queue.</summary>
/// <param name="Running">How many of its workflows run.</param>
/// <param name="RunningInPartition">How many workflows of the partition run.</param>
/// <param name="Starts">How many were started in the rate window.</param>
/// <param name="HoldingStartMs">The start that blocks the next one until it leaves the window.</param>
/// <param name="PartitionStarts">How many of the partition were started in its window.</param>
/// <param name="HoldingPartitionStartMs">The partition's start that blocks the next one.</param>
internal sealed record PlaceCounts(
    long Running, long RunningInPartition, long Starts, long? HoldingStartMs, long PartitionStarts, long? HoldingPartitionStartMs)
{
    /// <summary>The same running workflows by executor.</summary>
    public ExecutorCounts Executors { get; init; }
}

/// <summary>How many workflows of a queue run at each of the executors that run any of it; all zero if none does.</summary>
/// <param name="Number">How many executors.</param>
/// <param name="Least">How many run at the one that runs the fewest.</param>
/// <param name="Most">How many run at the one that runs the most.</param>
/// <param name="LeastInPartition">How many of the partition run at the one that runs the fewest of them, which may be none.</param>
/// <param name="MostInPartition">How many of the partition run at the one that runs the most of them.</param>
internal readonly record struct ExecutorCounts(long Number, long Least, long Most, long LeastInPartition, long MostInPartition);
