using Dbos.Fluent.Model;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Manages the versions of an application's code. Safe for concurrent use.</summary>
/// <remarks>
/// Unfinished work is bound to the version of the engine that ran it. An engine takes work of its own version. It takes work without a
/// version if its own is the latest, and work of another version if no engine of that version is alive and the workflow's code is the same.
/// A database holds each version's name once. A version whose name another application has registered is not listed and cannot be made the
/// latest; its engines take work without a version in addition to those of the latest.
/// </remarks>
public sealed class VersionClient
{
    private readonly ClientCore core;
    private readonly Adoption? adoption;

    // A client adopts nothing, as it has no workflow code.
    internal VersionClient(ClientCore core, Adoption? adoption) => (this.core, this.adoption) = (core, adoption);

    /// <summary>Reads the versions that engines of this application were launched with.</summary>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>
    /// The versions, the latest first. A client without an application name gets those of all applications, the latest of each marked.
    /// </returns>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<IReadOnlyList<ApplicationVersionInfo>> ListAsync(CancellationToken cancellationToken = default)
    {
        var rows = await core.Calls.RepeatAsync(
            "list versions",
            (_, token) => core.Store.Versions.ReadAllAsync(core.Identity.ApplicationName, token),
            cancellationToken).ConfigureAwait(false);
        var latest = core.Identity.ApplicationName is null ? LatestOfEach(rows) : rows.Take(1).ToHashSet();
        return [.. rows.Select(row => new ApplicationVersionInfo(row.Name, EpochMs.ToMoment(row.RegisteredAtMs), latest.Contains(row)))];
    }

    /// <summary>
    /// Makes a version the latest: from now on its engines take work without a version, and workflows that schedules start.
    /// </summary>
    /// <param name="version">
    /// A version that an engine was launched with. It may be an older one, as after a rollback.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the change is stored.</returns>
    /// <exception cref="ArgumentException">
    /// The version is blank, too long or holds control characters, no engine of this application was launched with it, or its name is
    /// another application's. Nothing was changed.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task SetLatestAsync(string version, CancellationToken cancellationToken = default)
    {
        Names.CheckName(version, nameof(version));
        var known = await core.Calls.RepeatAsync(
            "set the latest version",
            (_, token) => core.Store.Versions.SetLatestAsync(core.Identity.ApplicationName, version, token),
            cancellationToken).ConfigureAwait(false);
        if (!known)
        {
            throw new ArgumentException(
                $"No engine of this application was launched with version '{version}', or another application has registered that name, "
                + "which a database holds once. List the versions by Versions.ListAsync.",
                nameof(version));
        }

        core.Signals.AnnounceAnyWork();
    }

    /// <summary>
    /// Moves unfinished work of another version to this engine's, except workflows that a replay shows to be incompatible.
    /// </summary>
    /// <remarks>
    /// Each waiting workflow's history is replayed against the definition that is registered here. The replay runs no step and writes
    /// nothing. A running workflow is left with its owner. Repeated calls do no harm.
    /// </remarks>
    /// <param name="fromVersion">
    /// The version whose work is taken over. An unknown version and this engine's own are ignored.
    /// </param>
    /// <param name="cancellationToken">Cancels the call; workflows adopted by then stay adopted.</param>
    /// <returns>
    /// For each unfinished workflow of that version, whether it was adopted and if not, why: it runs, its name is not registered here, or
    /// its history and the code differ.
    /// </returns>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    /// <exception cref="InvalidOperationException">
    /// It was called on a client that is not an engine: such a client has no workflow code.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<IReadOnlyList<(string WorkflowId, bool Adopted, string? Why)>> AdoptAsync(
        string fromVersion, CancellationToken cancellationToken = default)
    {
        Names.CheckName(fromVersion, nameof(fromVersion));
        if (adoption is null)
        {
            throw new InvalidOperationException(
                "A client has the code of no workflow, so it cannot adopt any: call Versions.AdoptAsync on an engine.");
        }

        if (fromVersion == core.Identity.ApplicationVersion)
        {
            return [];
        }

        var outcomes = await core.Calls.UseAsync(
            "adopt workflows", token => adoption.AdoptAsync(fromVersion, token), cancellationToken).ConfigureAwait(false);
        if (outcomes.Any(outcome => outcome.Adopted))
        {
            core.Signals.AnnounceAnyWork();
        }

        return outcomes;
    }

    // A version without an application counts for every application, so no version listed after it is a latest one.
    private static HashSet<VersionRow> LatestOfEach(IReadOnlyList<VersionRow> rows)
    {
        var ofNone = rows.Index().Where(at => at.Item.ApplicationName is null).Select(at => at.Index + 1).FirstOrDefault(rows.Count);
        return [.. rows.Take(ofNone).DistinctBy(row => row.ApplicationName)];
    }
}
