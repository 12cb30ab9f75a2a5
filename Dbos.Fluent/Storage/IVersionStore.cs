namespace Dbos.Fluent.Storage;

/// <summary>The versions of applications, what code each has, and the unfinished work that is bound to them.</summary>
internal interface IVersionStore
{
    /// <summary>The registered versions of an application and those of none, latest first; of all applications where it is null.</summary>
    Task<IReadOnlyList<VersionRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>Makes a registered version the latest one; false if it is not registered.</summary>
    Task<bool> SetLatestAsync(string? applicationName, string version, CancellationToken cancellationToken);

    /// <summary>
    /// Unfinished workflows of an application that are bound to a version: a page, by id behind <paramref name="after"/>.
    /// </summary>
    Task<IReadOnlyList<UnfinishedRow>> ReadUnfinishedAsync(
        string applicationName, string version, string after, int limit, CancellationToken cancellationToken);

    /// <summary>Binds a waiting workflow to another version; false if it has moved since it was read.</summary>
    Task<bool> AdoptAsync(AdoptedRow adopted, CancellationToken cancellationToken);

    /// <summary>Which live engines of an application would take a workflow of this name and version.</summary>
    /// <param name="applicationName">The application; null for any.</param>
    /// <param name="version">The version that the workflow is bound to; null where it is open to the latest.</param>
    /// <param name="workflowName">Its name.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    Task<CodeStanding> ReadCodeAsync(string? applicationName, string? version, string workflowName, CancellationToken cancellationToken);

    /// <summary>
    /// A page of the unfinished workflows in one state, oldest first: those of an application that no live engine would take, counted by
    /// version and name. One of no application counts where its queue is the application's, unless it is PENDING: such are handed on to
    /// nobody.
    /// </summary>
    Task<StrandedPage> ReadStrandedAsync(StrandedQuestion question, CancellationToken cancellationToken);

    /// <summary>What a parked workflow waits for; empty for one that is not parked.</summary>
    Task<IReadOnlyList<WaitRow>> ReadWaitsAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>What counts against the limits of a queue at this moment.</summary>
    Task<PlaceCounts> ReadPlaceAsync(PlaceQuestion question, CancellationToken cancellationToken);
}

/// <summary>A row of <c>application_versions</c>; without an application it stands for each.</summary>
internal sealed record VersionRow(string Name, long RegisteredAtMs, string? ApplicationName);

/// <summary>An unfinished workflow, as whoever would adopt it needs it.</summary>
/// <param name="Work">As a claim would give it; its token is empty.</param>
/// <param name="State">ENQUEUED, DELAYED or PENDING.</param>
/// <param name="ExecutorId">Who has it, or had it last.</param>
/// <param name="UpdatedAtMs">When it last moved.</param>
internal sealed record UnfinishedRow(ClaimedWorkflow Work, WorkflowState State, string? ExecutorId, long UpdatedAtMs);

/// <summary>A workflow to be bound to another version.</summary>
internal sealed record AdoptedRow(string WorkflowId, string FromVersion, string ToVersion, long UpdatedAtMs);

/// <summary>Who has the code of a workflow.</summary>
/// <param name="Takers">How many live engines would take it.</param>
/// <param name="WithName">How many have a workflow of this name, in whatever version.</param>
/// <param name="Engines">How many engines of the application are alive.</param>
/// <param name="Latest">
/// The latest version of the application, or of each that has a live engine with this name, as <c>v1', 'v2</c>.
/// </param>
internal sealed record CodeStanding(long Takers, long WithName, long Engines, string? Latest);

/// <summary>Asks which unfinished workflows nobody takes.</summary>
/// <param name="ApplicationName">Whose.</param>
/// <param name="State">ENQUEUED, DELAYED or PENDING.</param>
/// <param name="After">The last place of the page before, in the order of creation.</param>
/// <param name="Limit">How many workflows are looked at, whosever they are.</param>
internal sealed record StrandedQuestion(string ApplicationName, WorkflowState State, PageKey After, int Limit);

/// <summary>What a page showed.</summary>
/// <param name="Rows">Workflows that nobody takes.</param>
/// <param name="Looked">How many were looked at.</param>
/// <param name="Last">The place of the last of them; null where there was none.</param>
internal sealed record StrandedPage(IReadOnlyList<StrandedRow> Rows, long Looked, PageKey? Last)
{
    /// <summary>As the stores read it: what was looked at is a row too, the only one with a moment.</summary>
    public static StrandedPage Of(IReadOnlyList<(StrandedRow Row, long? AtMs)> rows)
    {
        StrandedRow[] found = [.. rows.Where(row => row.AtMs is null).Select(row => row.Row)];
        return rows.FirstOrDefault(row => row.AtMs is not null) is { AtMs: { } at, Row: var last }
            ? new StrandedPage(found, last.Count, new PageKey(at, last.ExampleId))
            : new StrandedPage(found, 0, null);
    }
}

/// <summary>Workflows that nobody takes.</summary>
/// <param name="Version">The version they are bound to; null where they are open to the latest.</param>
/// <param name="Name">Their name.</param>
/// <param name="Count">How many.</param>
/// <param name="ExampleId">One of them.</param>
internal sealed record StrandedRow(string? Version, string Name, long Count, string ExampleId);

/// <summary>Asks what counts against the limits of a queue.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="PartitionKey">The partition; null without.</param>
/// <param name="ApplicationName">The application; rows of none count too.</param>
/// <param name="WindowMs">The length of the queue's rate window; null without.</param>
/// <param name="PartitionWindowMs">The length of the partition's.</param>
internal sealed record PlaceQuestion(string Queue, string? PartitionKey, string? ApplicationName, long? WindowMs, long? PartitionWindowMs)
{
    /// <summary>How many may start in the queue's window.</summary>
    public long? StartsMax { get; init; }

    /// <summary>How many of the partition may start in its.</summary>
    public long? PartitionStartsMax { get; init; }
}

/// <summary>What counts against the limits of a queue.</summary>
/// <param name="Running">How many of its workflows run.</param>
/// <param name="RunningInPartition">How many of the partition's.</param>
/// <param name="Starts">How many were started in the rate window.</param>
/// <param name="HoldingStartMs">The one of those starts that is in the way of the next until it leaves the window.</param>
/// <param name="PartitionStarts">How many of the partition were started in its window.</param>
/// <param name="HoldingPartitionStartMs">The one of those that is in the way.</param>
internal sealed record PlaceCounts(
    long Running, long RunningInPartition, long Starts, long? HoldingStartMs, long PartitionStarts, long? HoldingPartitionStartMs);
