using Dbos.Fluent.Model;
using Dbos.Fluent.Queues;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Registers, changes and pauses queues at run time. Every process sees a change at once if the database sends notifications, else within
/// a second. Safe for concurrent use.
/// </summary>
public sealed class QueueClient
{
    private readonly ClientCore core;

    internal QueueClient(ClientCore core) => this.core = core;

    /// <summary>Registers a queue, or changes the limits of a registered one. A paused queue stays paused.</summary>
    /// <remarks>
    /// Lower limits stop no running workflow; fewer start until the limits are met. A limit of zero is rejected: pause the queue instead.
    /// </remarks>
    /// <param name="queue">The queue with all its limits.</param>
    /// <param name="onConflict">
    /// What happens if a queue of this name is registered already; <see cref="OnConflict.AlwaysUpdate"/> by default. A client that is not
    /// an engine has no version, so with <see cref="OnConflict.UpdateIfLatestVersion"/> it changes nothing.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the registration is stored.</returns>
    /// <exception cref="ArgumentException">A limit exceeds one of wider scope, so it would have no effect.</exception>
    /// <exception cref="ConflictingRegistrationException">The name belongs to a queue of another application.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task RegisterAsync(
        WorkflowQueue queue, OnConflict onConflict = OnConflict.AlwaysUpdate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(queue);
        if (!Enum.IsDefined(onConflict))
        {
            throw new ArgumentOutOfRangeException(
                nameof(onConflict), onConflict, "Unknown OnConflict value; use UpdateIfLatestVersion, AlwaysUpdate or NeverUpdate.");
        }

        var self = core.Identity;
        var registration = new QueueRegistration(queue.Checked(), onConflict, self.ApplicationName, self.ApplicationVersion);
        var registered = await core.Calls.RepeatAsync(
            "register a queue", (_, token) => core.Store.Queues.RegisterAsync(registration, token), cancellationToken)
            .ConfigureAwait(false);
        if (registered.OtherApplication is { } other)
        {
            throw ConflictingRegistrationException.OfQueue(queue.Name, other);
        }

        core.Signals.Announce(new StoreSignal(StoreSignalKind.Queue, queue.Name));
    }

    /// <summary>Reads one queue.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The current state of the queue, or null if it is not registered.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public async Task<QueueStatus?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        var row = await core.Calls.RepeatAsync("read a queue", (_, token) => core.Store.Queues.ReadAsync(name, token), cancellationToken)
            .ConfigureAwait(false);
        return row is null ? null : (await WithCountsAsync([row], cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>
    /// Reads the queues of this client's application and those without an application; all queues if the client has no application name.
    /// </summary>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The current state of the queues, ordered by name.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public async Task<IReadOnlyList<QueueStatus>> ListAsync(CancellationToken cancellationToken = default)
    {
        var rows = await core.Calls.RepeatAsync(
            "list queues", (_, token) => core.Store.Queues.ReadAllAsync(core.Identity.ApplicationName, token), cancellationToken)
            .ConfigureAwait(false);
        return await WithCountsAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops starting workflows from a queue. Running workflows continue, and workflows can still be enqueued.</summary>
    /// <param name="name">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the pause is stored. An unknown queue is only logged.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task PauseAsync(string name, CancellationToken cancellationToken = default) => SetPausedAsync(name, true, cancellationToken);

    /// <summary>Ends a pause.</summary>
    /// <param name="name">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the end of the pause is stored. An unknown queue is only logged.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task ResumeAsync(string name, CancellationToken cancellationToken = default) => SetPausedAsync(name, false, cancellationToken);

    /// <summary>Deletes a queue. Workflows that wait in it stay there until a queue of that name is registered again.</summary>
    /// <param name="name">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when it is deleted; an unknown queue is ignored.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        await core.Calls.RepeatAsync(
            "delete a queue",
            async (_, token) =>
            {
                await core.Store.Queues.DeleteAsync(name, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        core.Signals.Announce(new StoreSignal(StoreSignalKind.Queue, name));
    }

    private async Task SetPausedAsync(string name, bool paused, CancellationToken cancellationToken)
    {
        Names.CheckName(name, nameof(name));
        var known = await core.Calls.RepeatAsync(
            "pause a queue", (_, token) => core.Store.Queues.SetPausedAsync(name, paused, token), cancellationToken).ConfigureAwait(false);
        if (known)
        {
            core.Signals.Announce(new StoreSignal(StoreSignalKind.Queue, name));
        }
        else
        {
            core.Logger.NoQueueToPause(name);
        }
    }

    private async Task<IReadOnlyList<QueueStatus>> WithCountsAsync(IReadOnlyList<QueueRow> rows, CancellationToken cancellationToken)
    {
        string[] names = [.. rows.Select(row => row.Queue.Name)];
        var counts = await core.Calls.RepeatInTimeAsync(
            "count workflows", (_, token) => core.Store.Queues.CountAsync(names, token), cancellationToken).ConfigureAwait(false);
        return
        [
            .. from row in rows
               let count = counts.GetValueOrDefault(row.Queue.Name)
               select new QueueStatus(row.Queue, row.Paused, count.Waiting, count.Running),
        ];
    }
}
