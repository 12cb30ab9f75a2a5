namespace Dbos.Fluent.Storage;

/// <summary>Which parked workflows (DELAYED rows with waits) a claim takes. A closed hierarchy.</summary>
internal abstract record ParkedScope
{
    private ParkedScope()
    {
    }

    /// <summary>Those with a wait that is over by now, the longest due first.</summary>
    internal sealed record Due : ParkedScope;

    /// <summary>Those that wait for one of these; whether it is there is found out by running them.</summary>
    /// <param name="Signals">Messages, events and completions; others are ignored.</param>
    internal sealed record Woken(IReadOnlyList<StoreSignal> Signals) : ParkedScope;

    /// <summary>Of these, those for which what they wait for is there.</summary>
    internal sealed record Among(IReadOnlyList<string> WorkflowIds) : ParkedScope;

    /// <summary>
    /// Of a page of those parked workflows of the application that wait for something besides a moment, by id behind
    /// <paramref name="After"/>, those for which what they wait for is there. For what lost signals left.
    /// </summary>
    /// <param name="After">The id behind which the page begins; empty for the first.</param>
    /// <param name="PageSize">How many of them are looked at.</param>
    internal sealed record Page(string After, int PageSize) : ParkedScope;
}

/// <summary>What a claim of parked workflows took.</summary>
/// <param name="Claimed">Workflows to run, now PENDING, owned by the request's token, without waits.</param>
/// <param name="LastLookedAt">
/// For a page: the last id of it, behind which the next begins; null when it was the last page. Otherwise: not null where more may be there
/// than was found, although fewer were taken than the limit allows.
/// </param>
internal sealed record ParkedClaim(IReadOnlyList<ClaimedWorkflow> Claimed, string? LastLookedAt);

/// <summary>What parked workflows of an application there are, of those that count.</summary>
/// <param name="Any">True if there is one.</param>
/// <param name="NextWakeAtMs">The earliest end of a wait; null where none has one.</param>
internal sealed record ParkedOutlook(bool Any, long? NextWakeAtMs);
