namespace Dbos.Fluent.Storage;

/// <summary>
/// Executors and their leases, and the handing on of work whose executor is gone. Leases are on the database's own clock, never on virtual
/// time.
/// </summary>
internal interface IExecutorStore
{
    /// <summary>How long executors of an application are remembered after their lease has ended.</summary>
    static TimeSpan RememberedFor { get; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Registers an executor with a fresh lease, unless another incarnation of it holds one; with it its version and what that has the code
    /// of. Names of which the version had the code before are forgotten, where no other executor of it may have them. Executors that have
    /// been gone for longer than <see cref="RememberedFor"/> are forgotten.
    /// </summary>
    Task<RegisterResult> RegisterAsync(ExecutorRegistration registration, CancellationToken cancellationToken);

    /// <summary>Makes the lease whole again.</summary>
    /// <returns>The lease, with <see cref="RegisterResult.Registered"/> false if another incarnation has taken the id.</returns>
    Task<RegisterResult> RenewAsync(string executorId, string incarnation, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>The same for a thread that is there for it: it needs none of the pool's, which may all be held for long.</summary>
    /// <param name="executorId">The executor.</param>
    /// <param name="incarnation">Its launch.</param>
    /// <param name="lease">How long it counts as alive from then on.</param>
    /// <param name="limit">How long a database that does not answer is waited for.</param>
    RegisterResult Renew(string executorId, string incarnation, TimeSpan lease, TimeSpan limit);

    /// <summary>
    /// Ends this incarnation's lease, hands its unfinished workflows on at once without counting an attempt, and gives back how many.
    /// </summary>
    Task<int> StopAsync(string executorId, string incarnation, CancellationToken cancellationToken);

    /// <summary>The registered executors of an application, with their hosts and whether their lease is alive.</summary>
    Task<IReadOnlyList<ExecutorRow>> ReadAsync(string applicationName, CancellationToken cancellationToken);

    /// <summary>Ends the lease of an incarnation that is proven dead, so that nobody waits it out.</summary>
    Task ExpireAsync(string executorId, string incarnation, CancellationToken cancellationToken);

    /// <summary>
    /// Hands PENDING workflows on (PENDING to ENQUEUED, on their queue or the internal one; owner and start cleared): those of the named
    /// executors at once. Rows locked by somebody are left for the next call. Gives back their ids.
    /// </summary>
    Task<IReadOnlyList<string>> HandOnAsync(HandOnRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Hands on PENDING workflows that still carry these tokens: the caller owns them and does not run them. Rows locked by somebody are
    /// left as they are. Gives back their ids.
    /// </summary>
    /// <param name="executions">The workflows, and their tokens.</param>
    /// <param name="attempted">
    /// True where the caller has tried to run them, which counts as an attempt; false where they were claimed and nothing more.
    /// </param>
    /// <param name="cancellationToken">Gives up the call.</param>
    Task<IReadOnlyList<string>> HandBackAsync(
        IReadOnlyList<Ownership> executions, bool attempted, CancellationToken cancellationToken);

    /// <summary>
    /// Hands on PENDING workflows of this application whose executor has no live lease (ended, stopped, never registered) and that were
    /// taken the given time ago or longer (<c>started_at_epoch_ms</c>; of a direct start <c>created_at</c>). Gives back their ids.
    /// </summary>
    Task<IReadOnlyList<string>> HandOnOrphansAsync(HandOnRequest request, TimeSpan takenFor, CancellationToken cancellationToken);
}

/// <summary>An executor that takes up work.</summary>
/// <param name="ExecutorId">Its id.</param>
/// <param name="Incarnation">A token of this launch: two processes with one id differ in it.</param>
/// <param name="ApplicationName">Its application.</param>
/// <param name="ApplicationVersion">The version of its code.</param>
/// <param name="Host">Where it runs, to tell a dead process on the same host from a silent one elsewhere.</param>
/// <param name="Lease">How long it counts as alive without renewing.</param>
internal sealed record ExecutorRegistration(
    string ExecutorId, string Incarnation, string ApplicationName, string ApplicationVersion, HostProcess Host, TimeSpan Lease)
{
    /// <summary>What its version has the code of.</summary>
    public IReadOnlyList<WorkflowCode> Workflows { get; init; } = [];
}

/// <summary>The code of one workflow, by name; its fingerprint is empty where it cannot be read.</summary>
internal sealed record WorkflowCode(string WorkflowName, string Fingerprint);

/// <summary>A process, as far as it can be told from every other one.</summary>
internal sealed record HostProcess(string MachineId, string BootId, string PidNamespace, int ProcessId, long ProcessStart);

/// <summary>What became of a registration or a renewal.</summary>
/// <param name="Registered">True if this incarnation holds the lease.</param>
/// <param name="NowMs">The store's clock when it answered.</param>
/// <param name="ExpiresAtMs">When the lease ends: this incarnation's, or the other one's that is in the way.</param>
/// <param name="Holder">Who is in the way; null if nobody.</param>
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
    /// <summary>The clock of leases when it was read.</summary>
    public long ReadAtMs { get; init; }
}

/// <summary>Rows of an engine that something here answers for.</summary>
/// <param name="Tokens">Of rows that are about to be run, all that carry them.</param>
/// <param name="Running">
/// What is being run. A token alone does not tell them: the rows of one claim share it, and one of them may have become this engine's after
/// the call had been given up.
/// </param>
internal sealed record OwnRows(IReadOnlyList<string> Tokens, IReadOnlyList<Ownership> Running)
{
    public static OwnRows None { get; } = new([], []);
}

/// <summary>Which workflows are handed on.</summary>
internal sealed record HandOnRequest
{
    public required string ApplicationName { get; init; }

    /// <summary>Only workflows of these names.</summary>
    public required IReadOnlyList<string> WorkflowNames { get; init; }

    /// <summary>
    /// Only workflows of these executors; for orphans, executors whose living lease does not protect their rows: the caller's own.
    /// </summary>
    public IReadOnlyList<string> ExecutorIds { get; init; } = [];

    /// <summary>
    /// The executor that asks, where it is one. Work of others whose lease lives is not handed on, and orphans only while its own does: a
    /// statement that was held up may find everyone's ended.
    /// </summary>
    public string? Observer { get; init; }

    /// <summary>Not these, which are the caller's own.</summary>
    public OwnRows Except { get; init; } = OwnRows.None;

    /// <summary>Only workflows that are bound to this version; null, the default, for all.</summary>
    public string? ApplicationVersion { get; init; }

    public required int Limit { get; init; }
}
