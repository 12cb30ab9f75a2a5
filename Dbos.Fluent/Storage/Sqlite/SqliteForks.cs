using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Creates forks and rewinds workflows, within a transaction.</summary>
internal readonly struct SqliteForks(SqliteSession session, long nowMs)
{
    public ForkResult Make(ForkRequest request)
    {
        // Checked first, as the source may have been deleted by now.
        if (Find(request.ForkId) is { } made && request.IsRepeated && made.ForkedFrom == request.SourceId)
        {
            return new ForkResult(ForkStatus.Forked);
        }

        if (Find(request.SourceId) is null)
        {
            return new ForkResult(ForkStatus.NoSource);
        }

        var (highest, failed, named) = ReadCuts(request.SourceId, request.Cut.StepName);
        if (request.Cut.StepName is not null && named is null)
        {
            return new ForkResult(ForkStatus.NoStep);
        }

        var from = request.Cut.Sequence ?? named ?? failed;
        if (from > highest + 1)
        {
            return new ForkResult(ForkStatus.BeyondHistory, highest);
        }

        if (Find(request.ForkId) is { } holder)
        {
            return new ForkResult(ForkStatus.IdInUse) { ExistingName = holder.Name, ExistingState = holder.State };
        }

        Insert(request);
        Copy(request, from);
        new SqliteOrigins(session, nowMs).Store(request.ForkId, from > 0 ? request.SourceId : null);
        return new ForkResult(ForkStatus.Forked, highest);
    }

    public RewindResult Rewind(RewindRequest request)
    {
        var (workflowId, from) = request;
        if (Find(workflowId) is not { } found)
        {
            return new RewindResult(RewindStatus.NoWorkflow);
        }

        if (request.IsDone(found.State, found.EndedAtMs))
        {
            return new RewindResult(RewindStatus.Rewound, found.State);
        }

        var (highest, _, _) = ReadCuts(workflowId, null);
        if (!found.State.IsTerminal() || from > highest + 1)
        {
            return new RewindResult(found.State.IsTerminal() ? RewindStatus.BeyondHistory : RewindStatus.NotEnded, found.State, highest);
        }

        using (var enqueue = session.Use(RewindSql.Enqueue).Bind("@workflow_uuid", workflowId).Bind("@now", nowMs))
        {
            enqueue.Execute();
        }

        // Another SDK that cancels a parked workflow leaves its waits, which would make the workflow look woken.
        foreach (var sql in (string[])[RewindSql.DeleteOutcome, ParkSql.DeleteWaits])
        {
            using var part = session.Use(sql).Bind("@workflow_uuid", workflowId);
            part.Execute();
        }

        foreach (var sql in (string[])[
            RewindSql.DeleteSteps, RewindSql.DeleteMessages, RewindSql.ReopenStreams, RewindSql.DeleteEvents, RewindSql.RestoreEvents,
            RewindSql.DeleteEventHistory])
        {
            using var part = session.Use(sql).Bind("@workflow_uuid", workflowId).Bind("@from", from);
            part.Execute();
        }

        return new RewindResult(RewindStatus.Rewound, found.State, highest);
    }

    private (string? Name, WorkflowState State, string? ForkedFrom, long? EndedAtMs)? Find(string workflowId)
    {
        using var statement = session.Use(ForkSql.Read).Bind("@workflow_uuid", workflowId);
        return statement.Step()
            ? (statement.TextOrNull(0), WorkflowStates.Parse(statement.Text(1)), statement.TextOrNull(2), statement.Int64OrNull(3))
            : null;
    }

    private (int Highest, int Failed, int? Named) ReadCuts(string workflowId, string? stepName)
    {
        using var statement = session.Use(ForkSql.ReadCuts).Bind("@workflow_uuid", workflowId).Bind("@function_name", stepName);
        statement.Step();
        return (statement.Int32(0), statement.Int32(1), (int?)statement.Int64OrNull(2));
    }

    private void Insert(ForkRequest request)
    {
        var options = request.Options;
        using var insert = session.Use(ForkSql.InsertFork)
            .Bind("@fork", request.ForkId)
            .Bind("@source", request.SourceId)
            .Bind("@version", options.ApplicationVersion)
            .Bind("@queue", options.Queue ?? QueueNames.Internal)
            .Bind("@partition", options.PartitionKey)
            .Bind("@timeout", options.Timeout is { } timeout ? (long)Math.Ceiling(timeout.TotalMilliseconds) : null)
            .Bind("@now", nowMs);
        insert.Execute();
        using var mark = session.Use(ForkSql.Mark).Bind("@source", request.SourceId);
        mark.Execute();
        using var input = session.Use(ForkSql.CopyInput)
            .Bind("@fork", request.ForkId).Bind("@source", request.SourceId).Bind("@now", nowMs);
        input.Execute();
    }

    private void Copy(ForkRequest request, int from)
    {
        var replaced = request.Options.ReplacedChildren?.ToArray() ?? [];
        using (var steps = session.Use(ForkSql.CopySteps)
            .Bind("@fork", request.ForkId)
            .Bind("@source", request.SourceId)
            .Bind("@from", from)
            .Bind("@replaced", SqliteLists.Of(replaced, pair => (pair.Key, pair.Value)))
            .Bind("@winners", SqliteLists.Of(request.ReplacedWinners, pair => (pair.Key, pair.Value)))
            .Bind("@now", nowMs))
        {
            steps.Execute();
        }

        foreach (var sql in (string[])[ForkSql.CopyEventHistory, ForkSql.CopyEvents, ForkSql.CopyStreams])
        {
            using var copy = session.Use(sql)
                .Bind("@fork", request.ForkId).Bind("@source", request.SourceId).Bind("@from", from);
            copy.Execute();
        }
    }
}
