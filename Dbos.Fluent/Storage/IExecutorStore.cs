namespace Dbos.Fluent.Storage;

/// <summary>
/// Stores executors and their leases, and hands on work whose executor is gone. Leases use the database's own clock, never virtual time.
/// </summary>
internal interface IExecutorStore
{
    /// <summary>How long an application's executors are remembered after their lease has ended.</summary>
    static TimeSpan RememberedFor { get; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Registers an executor with a fresh lease, its version and the code of that version, unless another incarnation holds the lease.
    /// </summary>
    /// <remarks>
    /// Workflow names that the version no longer has are forgotten, unless another executor of that version may have them. Executors gone
    /// for longer than <see cref="RememberedFor"/> are forgotten.
    /// </remarks>
    Task<RegisterResult> RegisterAsync(ExecutorRegistration registration, CancellationToken cancellationToken);

    /// <summary>Renews the lease to its full length.</summary>
    /// <returns>The lease, with <see cref="RegisterResult.Registered"/> false if another incarnation has taken the id.</returns>
    Task<RegisterResult> RenewAsync(string executorId, string incarnation, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>The same, blocking, for a dedicated thread: it needs no thread of the pool, which may all be busy for long.</summary>
    /// <param name="executorId">The executor.</param>
    /// <param name="incarnation">The token of its launch.</param>
    /// <param name="lease">How long it counts as alive from now on.</param>
    /// <param name="limit">How long to wait for a database that does not answer.</param>
    RegisterResult Renew(string executorId, string incarnation, TimeSpan lease, TimeSpan limit);

    /// <summary>
    /// Ends this incarnation's lease and hands on its unfinished workflows at once, without counting an attempt; returns their number.
    /// </summary>
    Task<int> StopAsync(string executorId, string incarnation, CancellationToken cancellationToken);

    /// <summary>Reads the registered executors of an application, with their hosts and whether their lease is alive.</summary>
    Task<IReadOnlyList<ExecutorRow>> ReadAsync(string applicationName, CancellationToken cancellationToken);

    /// <summary>Ends the lease of an incarnation that is proven dead, so that nobody waits for it to expire.</summary>
    Task ExpireAsync(string executorId, string incarnation, CancellationToken cancellationToken);

    /// <summary>
    /// Hands on the PENDING workflows of the named executors at once, and returns their ids. A row becomes ENQUEUED on its queue or the
    /// internal one; its owner is cleared, and its start stays. Locked rows are left for the next call.
    /// </summary>
    Task<IReadOnlyList<string>> HandOnAsync(HandOnRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Hands on PENDING workflows that still carry these tokens, which the caller owns and does not run; returns their ids. Locked rows
    /// stay as they are.
    /// </summary>
    /// <param name="executions">The workflows, and their tokens.</param>
    /// <param name="attempted">
    /// True if the caller has tried to run them, which counts as an attempt; false if they were only claimed.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    Task<IReadOnlyList<string>> HandBackAsync(
        IReadOnlyList<Ownership> executions, bool attempted, CancellationToken cancellationToken);

    /// <summary>
    /// Hands on PENDING workflows of this application whose executor has no live lease (ended, stopped, never registered) and that were
    /// taken at least the given time ago (<c>started_at_epoch_ms</c>; for a direct start <c>created_at</c>). Returns their ids.
    /// </summary>
    Task<IReadOnlyList<string>> HandOnOrphansAsync(HandOnRequest request, TimeSpan takenFor, CancellationToken cancellationToken);
}

/// <summary>An executor that takes up work.</summary>
/// <param name="ExecutorId">Its id.</param>
/// <param name="Incarnation">A token of this launch, which tells apart two processes with one id.</param>
/// <param name="ApplicationName">Its application.</param>
/// <param name="ApplicationVersion">The version of its code.</param>
/// <param name="Host">Where it runs, which tells a dead process on the same host from a silent one elsewhere.</param>
/// <param name="Lease">How long it counts as alive without renewal.</param>
internal sealed record ExecutorRegistration(
    string ExecutorId, string Incarnation, string ApplicationName, string ApplicationVersion, HostProcess Host, TimeSpan Lease)
{
    /// <summary>The workflows whose code its version has.</summary>
    public IReadOnlyList<WorkflowCode> Workflows { get; init; } = [];
}

/// <summary>The code of one workflow, by name; its fingerprint is empty if the code cannot be read.</summary>
internal sealed record WorkflowCode(string WorkflowName, string Fingerprint);

/// <summary>A process, identified as far as it can be told from every other one.</summary>
internal sealed record HostProcess(string MachineId, string BootId, string PidNamespace, int ProcessId, long ProcessStart);

/// <summary>The result of a registration or a renewal.</summary>
/// <param name="Registered">True if this incarnation holds the lease.</param>
/// <param name="NowMs">The store's clock when it answered.</param>
/// <param name="ExpiresAtMs">When the lease ends: this incarnation's, or that of the one that blocks it.</param>
/// <param name="Holder">The executor that blocks it; null if none does.</param>
internal sealed record RegisterResult(bool Registered, long NowMs, long ExpiresAtMs, ExecutorRow? Holder = null);

/// <summary>A registered executor, as read.</summary>
internal sealed record ExecutorRow(
    string ExecutorId,
    string Incarnation,
    string ApplicationName,
    string ApplicationVersion,
    HostProcess Host,
    long ExpiresAtMs,
    bool Alive,
    bool Stopped)
{
    /// <summary>The lease clock at the time of the read.</summary>
    public long ReadAtMs { get; init; }
}

/// <summary>Rows that the calling engine takes care of itself.</summary>
/// <param name="Tokens">Tokens of rows that are about to run; every row that carries one counts.</param>
/// <param name="Running">
/// The executions that run. A token alone does not identify them: the rows of one claim share it, and the engine may have come to own
/// one of them after the call had been given up.
/// </param>
internal sealed record OwnRows(IReadOnlyList<string> Tokens, IReadOnlyList<Ownership> Running)
{
    public static OwnRows None { get; } = new([], []);
}

/// <summary>Selects the workflows to hand on.</summary>
internal sealed record HandOnRequest
{
    /// <summary>The usual <see cref="Limit"/>: enough for most executors, and a short transaction.</summary>
    public const int LimitMax = 1000;

    public required string ApplicationName { get; init; }

    /// <summary>Only workflows of these names.</summary>
    public required IReadOnlyList<string> WorkflowNames { get; init; }

    /// <summary>
    /// Only workflows of these executors. For orphans: executors whose live lease does not protect their rows, which is the caller's own.
    /// </summary>
    public IReadOnlyList<string> ExecutorIds { get; init; } = [];

    /// <summary>
    /// The executor that asks, if it is one. Work of other executors with a live lease is not handed on. Orphans are handed on only while
    /// the asking executor's lease lives: a statement that was held up may find every lease ended.
    /// </summary>
    public string? Observer { get; init; }

    /// <summary>Rows to leave alone, because they are the caller's own.</summary>
    public OwnRows Except { get; init; } = OwnRows.None;

    /// <summary>Only workflows that are bound to this version; null, the default, means all.</summary>
    public string? ApplicationVersion { get; init; }

    public required int Limit { get; init; }
}
