using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts workflows in this process: inserts the row, owned from the first moment, and runs it.</summary>
internal sealed class WorkflowStarter(RunEnvironment environment, RunningWorkflows running) : IChildStarter
{
    /// <summary>Starts a workflow from outside any other. The id in the options is given.</summary>
    public async Task<CommitResult> StartAsync(WorkflowDefinition definition, object? input, StartOptions options)
    {
        environment.Registry.Require(definition);
        var row = Row(definition, input, options, parent: null, deadlineMs: null);
        var result = await environment.Checkpointer.WriteAsync(new StartUnit(row, RejectExisting: options.IdReuse == IdReuse.Reject))
            .ConfigureAwait(false);
        Begin(row, result);
        return result;
    }

    public async Task<CommitResult> StartAsync(ChildStart start)
    {
        environment.Registry.Require(start.Definition);
        var inherited = start.Options.Timeout is null ? start.ParentDeadlineMs : null;
        var row = Row(start.Definition, start.Input, start.Options, start.Parent.WorkflowId, inherited);
        var unit = new StartUnit(row, start.Parent, start.ParentCheckpoint, start.Options.IdReuse == IdReuse.Reject);
        var result = await environment.Checkpointer.WriteAsync(unit).ConfigureAwait(false);
        Begin(row, result);
        return result;
    }

    private void Begin(WorkflowInsert row, CommitResult result)
    {
        if (result.Status != CommitStatus.Written)
        {
            return;
        }

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

    private WorkflowInsert Row(WorkflowDefinition definition, object? input, StartOptions options, string? parent, long? deadlineMs) =>
        new()
        {
            Id = options.Id!,
            Name = definition.Name,
            State = WorkflowState.Pending,
            Token = Guid.CreateVersion7().ToString(),
            Input = environment.Serializer.EncodeInput(input, definition.InputType, options.Format ?? definition.Format),
            ExecutorId = environment.ExecutorId,
            ApplicationName = environment.ApplicationName,
            ApplicationVersion = options.ApplicationVersion ?? environment.ApplicationVersion,
            ParentId = parent,
            TimeoutMs = options.Timeout is { } timeout && timeout != Timeout.InfiniteTimeSpan
            ? (long)Math.Ceiling(timeout.TotalMilliseconds)
            : null,
            DeadlineMs = deadlineMs,
        };
}
