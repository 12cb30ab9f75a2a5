using System.Collections.Concurrent;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Starts workflows for an engine: at once, owned from the first moment and run here, or in a queue for any engine to claim.
/// </summary>
internal sealed class WorkflowStarter(RunEnvironment environment, RunningWorkflows running, QueueBook book) : IChildStarter, IStarts
{
    // The number of unregistered names is unbounded.
    private const int UnregisteredMax = 100;

    private readonly ConcurrentDictionary<string, bool> unregistered = new(StringComparer.Ordinal);
    private readonly StartRows rows = new(
        new StarterIdentity(environment.ApplicationName, environment.ApplicationVersion, environment.ExecutorId));

    public StartRequest Request(WorkflowDefinition definition, object? input, StartOptions options)
    {
        var isOurs = environment.Registry.Find(definition.Name) == definition;
        StartRules.Check(options, definition);
        if (!isOurs && options.Queue is null)
        {
            environment.Registry.Require(definition);
        }

        return StartRequest.Of(definition, input, options, isOurs, environment.Serializer);
    }

    public async Task<CommitResult> StartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var unit = await UnitAsync(request, cancellationToken).ConfigureAwait(false);
        return await WriteAsync(unit).ConfigureAwait(false);
    }

    public async ValueTask<StartUnit> UnitAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var row = rows.Row(request);
        await CheckQueueAsync(request.Options, cancellationToken).ConfigureAwait(false);
        return new StartUnit(row, RejectExisting: request.Options.IdReuse == IdReuse.Reject);
    }

    public async Task<CommitResult> StartAsync(ChildStart start)
    {
        var request = Request(start.Definition, start.Input, start.Options) with
        {
            ParentId = start.Parent.WorkflowId,
            DeadlineMs = start.Options.Timeout is null ? start.ParentDeadlineMs : null,
        };
        var row = rows.Row(request);
        await CheckQueueAsync(start.Options, CancellationToken.None).ConfigureAwait(false);
        var unit = new StartUnit(row, start.Parent, start.ParentCheckpoint, start.Options.IdReuse == IdReuse.Reject);
        return await WriteAsync(unit with { IsIdMade = start.IsIdMade }).ConfigureAwait(false);
    }

    public async Task<CommitResult> DebounceAsync(ChildStart start, DebounceCall call)
    {
        var request = Debouncing.Request(this, start.Definition, start.Input, start.Options, call) with
        {
            ParentId = start.Parent.WorkflowId,
        };
        var unit = await UnitAsync(request, CancellationToken.None).ConfigureAwait(false);
        var debounce = new DebounceUnit(unit.Row, call.AtMostMs, start.Parent, start.ParentCheckpoint);
        var result = await environment.Checkpointer.WriteAsync(debounce).ConfigureAwait(false);
        if (result.Status is CommitStatus.Written or CommitStatus.Attached)
        {
            environment.Written(debounce);
        }

        return result;
    }

    private async ValueTask CheckQueueAsync(StartOptions options, CancellationToken cancellationToken)
    {
        if (options.Queue is not { } queue || queue == QueueNames.Internal)
        {
            return;
        }

        var row = await book.FindAsync(queue, cancellationToken).ConfigureAwait(false);
        PartitionRule.Check(options, row);
        if (row is null && unregistered.Count < UnregisteredMax && unregistered.TryAdd(queue, true))
        {
            environment.Logger.QueueUnregistered(queue);
        }
    }

    private async Task<CommitResult> WriteAsync(StartUnit unit)
    {
        if (unit.Row.State == WorkflowState.Pending)
        {
            return await WriteAndBeginAsync(unit).ConfigureAwait(false);
        }

        var result = await environment.Checkpointer.WriteAsync(unit).ConfigureAwait(false);
        if (result.Status == CommitStatus.Written)
        {
            environment.Written(unit);
        }

        return result;
    }

    private async Task<CommitResult> WriteAndBeginAsync(StartUnit unit)
    {
        using var held = environment.InHand.Hold(unit.Row.Token);
        var result = await environment.Checkpointer.WriteOwnAsync(unit, environment.Lease).ConfigureAwait(false);
        if (result is { Status: CommitStatus.Written, MovedOn: false })
        {
            Begin(unit.Row, result);
        }

        return result;
    }

    private void Begin(WorkflowInsert row, CommitResult result)
    {
        var work = new ClaimedWorkflow
        {
            Id = row.Id,
            Name = row.Name,
            Token = row.Token,
            Input = row.Input,
            Attempt = 1,
            Origin = WorkflowOrigin.OfDirectStart(row.Id, result.CreatedAtMs),
            ParentId = row.ParentId,
            DeadlineMs = result.DeadlineMs,
        };
        running.Begin(work, [], environment, this);
    }
}
