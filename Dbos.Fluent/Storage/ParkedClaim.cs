namespace Dbos.Fluent.Storage;

/// <summary>Which parked workflows (DELAYED rows with waits) a claim takes. A closed hierarchy.</summary>
internal abstract record ParkedScope
{
    private ParkedScope()
    {
    }

    /// <summary>Workflows with a wait that has ended by now, the longest due first.</summary>
    internal sealed record Due : ParkedScope;

    /// <summary>Workflows that wait for one of these signals; running them finds out whether the awaited thing exists.</summary>
    /// <param name="Signals">Messages, events and completions; others are ignored.</param>
    internal sealed record Woken(IReadOnlyList<StoreSignal> Signals) : ParkedScope;

    /// <summary>Those of these workflows whose awaited thing exists.</summary>
    internal sealed record Among(IReadOnlyList<string> WorkflowIds) : ParkedScope;

    /// <summary>
    /// Looks at a page, by id behind <paramref name="After"/>, of the application's parked workflows that wait for something besides a
    /// moment, and takes those whose awaited thing exists. Finds what lost signals left behind.
    /// </summary>
    /// <param name="After">The id behind which the page begins; empty for the first.</param>
    /// <param name="PageSize">How many of them to look at.</param>
    internal sealed record Page(string After, int PageSize) : ParkedScope;
}

/// <summary>The result of a claim of parked workflows.</summary>
/// <param name="Claimed">Workflows to run, now PENDING, owned by the request's token, without waits.</param>
/// <param name="LastLookedAt">
/// For a page: its last id, behind which the next page begins; null after the last page. Otherwise: not null if more may be there than
/// was found, although fewer were taken than the limit allows.
/// </param>
internal sealed record ParkedClaim(IReadOnlyList<ClaimedWorkflow> Claimed, string? LastLookedAt)
{
    /// <summary>
    /// Workflows in the scope that were not taken although the limit allows it, as somebody held or changed their rows at that moment. They
    /// may be taken up by a later claim; a signal that named them does not come again.
    /// </summary>
    public IReadOnlyList<string> PassedOver { get; init; } = [];
}

/// <summary>Which parked workflows an application has, of those that count.</summary>
/// <param name="Any">True if there is one.</param>
/// <param name="NextWakeAtMs">The earliest end of a wait; null if no wait has one.</param>
internal sealed record ParkedOutlook(bool Any, long? NextWakeAtMs);
