using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// Runs workflows. Launch one in each process. Engines that share a database share the work, and continue the work of an engine that dies.
/// </summary>
public sealed class WorkflowEngine : WorkflowClient
{
    private readonly EngineParts parts;
    private readonly TimeSpan drainTimeout;
    private readonly Lock gate = new();
    private Task? stopping;

    internal WorkflowEngine(EngineParts parts, TimeSpan drainTimeout)
        : base(parts.Core, parts.Starter, parts.Adoption) => (this.parts, this.drainTimeout) = (parts, drainTimeout);

    internal RunningWorkflows Running => parts.Running;

    /// <summary>The id of this executor, as it is stored in the rows it owns.</summary>
    public string ExecutorId => parts.Environment.ExecutorId;

    /// <summary>The version of the registered workflows' code, as it is stored in the rows this engine writes.</summary>
    public string ApplicationVersion => parts.Environment.ApplicationVersion;

    /// <summary>Launches an engine: migrates the database, takes a lease, and takes up unfinished work.</summary>
    /// <param name="configure">Names the database and registers the workflows.</param>
    /// <param name="cancellationToken">Gives up the launch and undoes its beginning.</param>
    /// <returns>The running engine. Dispose it to drain and stop.</returns>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    /// <exception cref="ConflictingRegistrationException">Two different workflows have one name.</exception>
    /// <exception cref="WorkflowNotRegisteredException">A registered workflow has no body.</exception>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    /// <exception cref="StoreSchemaException">The database has no DBOS tables or older ones, and may not be migrated.</exception>
    /// <exception cref="ExecutorIdInUseException">Another living process has the executor id.</exception>
    public static async Task<WorkflowEngine> LaunchAsync(Action<EngineOptions> configure, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new EngineOptions();
        configure(options);
        return await EngineLaunch.RunAsync(options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands on the unfinished work of dead executors at once, to any engine with room.</summary>
    /// <remarks>
    /// Engines do this by themselves when a lease has ended; this call does not wait for that. It leaves alone the work of other
    /// applications, of versions other than this engine's, and of workflow names that are not registered here. It counts as a recovery.
    /// </remarks>
    /// <param name="executorIds">The executors; null, the default, for every executor whose lease has ended.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>How many workflows were handed on.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    /// <exception cref="ExecutorIdInUseException">One of the executors is alive; nothing was handed on.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<int> RecoverAsync(IReadOnlyList<string>? executorIds = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<string>? ids = executorIds is null ? null : [.. executorIds.Select(id => Names.CheckId(id, nameof(executorIds)))];
        ThrowIfStopping("recover workflows");
        return Core.Calls.UseAsync("recover workflows", token => parts.OperatorRecovery.RecoverAsync(ids, token), cancellationToken);
    }

    /// <summary>
    /// Stops claiming, fires the tokens of all steps, lets workflows finish for a while, hands the rest on, and closes the store.
    /// </summary>
    /// <remarks>
    /// The tokens fire at once, with <see cref="CancellationReason.Shutdown"/>. A body that passes its token on is interrupted, and runs
    /// again elsewhere. A later call, and <c>DisposeAsync</c>, wait for the first call.
    /// </remarks>
    /// <param name="drain">How long running workflows may continue; zero hands all of them on at once.</param>
    /// <param name="cancellationToken">Ends the draining early; the remaining steps still run.</param>
    /// <returns>A task that completes when the engine has stopped.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="drain"/> is negative or longer than a day; the engine keeps running.
    /// </exception>
    public Task StopAsync(TimeSpan drain, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(drain, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(drain, TimeSpan.FromDays(1));
        lock (gate)
        {
            return stopping ??= new EngineStop(parts).RunAsync(drain, cancellationToken);
        }
    }

    private protected override void ThrowIfStopping(string doing)
    {
        lock (gate)
        {
            if (stopping is not null)
            {
                throw Core.Calls.NotRunning(doing);
            }
        }
    }

    private protected override async ValueTask CloseAsync() => await StopAsync(drainTimeout).ConfigureAwait(false);
}
