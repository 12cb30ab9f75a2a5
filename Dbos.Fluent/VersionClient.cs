using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Versions of an application's code. Safe for concurrent use.</summary>
/// <remarks>
/// Unfinished work is bound to the version of the engine that ran it. An engine takes work of its own version; work without a version if
/// its own is the latest; and work of another version if no engine of that is alive and the workflow's code there is the same as here.
/// A database holds each version's name once. A version whose name another application has registered is not listed and cannot be made the
/// latest; its engines take work without a version beside those of the latest.
/// </remarks>
public sealed class VersionClient
{
    private readonly ClientCore core;

    internal VersionClient(ClientCore core) => this.core = core;

    /// <summary>Reads the versions that engines of this application were launched with.</summary>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>
    /// The versions, the latest first; of all applications for a client that names none, the latest of each application marked.
    /// </returns>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<IReadOnlyList<ApplicationVersionInfo>> ListAsync(CancellationToken cancellationToken = default)
    {
        var rows = await UseAsync(
            "list versions",
            token => core.Store.Versions.ReadAllAsync(core.Identity.ApplicationName, token),
            cancellationToken).ConfigureAwait(false);
        var latest = core.Identity.ApplicationName is null ? LatestOfEach(rows) : rows.Take(1).ToHashSet();
        return [.. rows.Select(row => new ApplicationVersionInfo(row.Name, EpochMs.ToMoment(row.RegisteredAtMs), latest.Contains(row)))];
    }

    /// <summary>
    /// Makes a version the latest: from now on its engines take the work that is bound to none, and what schedules start.
    /// </summary>
    /// <param name="version">
    /// A version that an engine was launched with; older ones go too, as after a deployment that is taken back.
    /// </param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the change is durable.</returns>
    /// <exception cref="ArgumentException">
    /// The version is blank, too long or holds control characters, no engine of this application was launched with it, or its name is
    /// another application's; nothing was changed.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task SetLatestAsync(string version, CancellationToken cancellationToken = default)
    {
        Names.CheckName(version, nameof(version));
        var known = await UseAsync(
            "set the latest version",
            token => core.Store.Versions.SetLatestAsync(core.Identity.ApplicationName, version, token),
            cancellationToken).ConfigureAwait(false);
        if (!known)
        {
            throw new ArgumentException(
                $"No engine of this application was launched with version '{version}', or another application has registered that name, "
                + "which a database holds once. List the versions by Versions.ListAsync.",
                nameof(version));
        }

        WakeAll();
    }

    /// <summary>Moves unfinished work of another version to this engine's, refusing what a replay shows to be incompatible.</summary>
    /// <remarks>
    /// Each waiting workflow's history is replayed against the definition that is registered here, without running a step and without
    /// writing anything. One that runs is left with its owner. Calling it again does no harm.
    /// </remarks>
    /// <param name="fromVersion">
    /// The version whose work is taken over; nothing happens for an unknown one and for this engine's own.
    /// </param>
    /// <param name="cancellationToken">Gives up the call; what was adopted until then stays so.</param>
    /// <returns>
    /// For each unfinished workflow of that version whether it was adopted, and where not, why: it runs, its name is not registered here,
    /// or where its history and the code part.
    /// </returns>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    /// <exception cref="InvalidOperationException">
    /// It was called on a client that is no engine, and so has the code of no workflow.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<IReadOnlyList<(string WorkflowId, bool Adopted, string? Why)>> AdoptAsync(
        string fromVersion, CancellationToken cancellationToken = default)
    {
        Names.CheckName(fromVersion, nameof(fromVersion));
        var adoption = core.Adoption ?? throw new InvalidOperationException(
            "A client has the code of no workflow, so it cannot adopt any: call Versions.AdoptAsync on an engine.");
        if (fromVersion == core.Identity.ApplicationVersion)
        {
            return [];
        }

        var outcomes = await core.UseAsync(
            "adopt workflows", token => adoption.AdoptAsync(fromVersion, token), cancellationToken).ConfigureAwait(false);
        if (outcomes.Any(outcome => outcome.Adopted))
        {
            WakeAll();
        }

        return outcomes;
    }

    private Task<T> UseAsync<T>(string doing, Func<CancellationToken, Task<T>> use, CancellationToken cancellationToken) => core.UseAsync(
        doing, token => StoreBackoff.RepeatAsync(_ => use(token), token), cancellationToken);

    // A version of no application counts for each: one behind it is the latest of none.
    private static HashSet<VersionRow> LatestOfEach(IReadOnlyList<VersionRow> rows)
    {
        var ofNone = rows.Index().Where(at => at.Item.ApplicationName is null).Select(at => at.Index + 1).FirstOrDefault(rows.Count);
        return [.. rows.Take(ofNone).DistinctBy(row => row.ApplicationName)];
    }

    // Enqueued and parked work alike may have become somebody's.
    private void WakeAll()
    {
        core.Signalled(StoreSignal.Anything);
        core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, ""));
    }
}
