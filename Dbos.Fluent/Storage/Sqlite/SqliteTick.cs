using System.Diagnostics;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Fires one moment of a schedule, inside its transaction; the write lock acts as the lock of the schedule's row.</summary>
internal readonly struct SqliteTick(SqliteSession session, ScheduleTick tick, long nowMs)
{
    public TickOutcome Fire()
    {
        if (SqliteScheduleStore.Read(session, tick.Schedule) is not { } row)
        {
            return TickOutcome.Gone;
        }

        if (row.LastFiredAtMs > nowMs + ScheduleRow.AheadMaxMs)
        {
            row = row with { LastFiredAtMs = null };
        }

        // Checked first, as otherwise its own workflow would count as a run that has not ended, and its own moment as fired.
        if (new SqliteCommit(session, nowMs).ReadExisting(new StartUnit(tick.Row)) is { } existing)
        {
            Settle(row);
            return existing.Status is CommitStatus.Written ? TickOutcome.Started : TickOutcome.AlreadyFired;
        }

        return tick.Kind switch
        {
            TickKind.Asked => Start(row),
            TickKind.Due => FireDue(row),
            TickKind.Waiting => FireWaiting(row),
            _ => throw new UnreachableException($"Unknown kind of moment {tick.Kind}."),
        };
    }

    private TickOutcome FireDue(ScheduleRow row)
    {
        if (row.Paused)
        {
            return TickOutcome.Paused;
        }

        if (row.LastFiredAtMs >= tick.TickMs)
        {
            return row.WaitingTickMs == tick.TickMs ? TickOutcome.Queued : TickOutcome.AlreadyFired;
        }

        if (IsChanged(row))
        {
            return TickOutcome.Changed;
        }

        var anyWaits = row.Overlap is Overlap.QueueOne && row.WaitingTickMs is not null;
        if (row.Overlap is Overlap.Allow || (!anyWaits && !IsRunning()))
        {
            return Start(row);
        }

        SqliteScheduleStore.Fired(session, row, tick.TickMs);
        if (row.Overlap is Overlap.Skip || anyWaits)
        {
            return TickOutcome.Skipped;
        }

        SetWaiting(tick.TickMs);
        return TickOutcome.Queued;
    }

    private TickOutcome FireWaiting(ScheduleRow row)
    {
        if (row.WaitingTickMs != tick.TickMs)
        {
            return TickOutcome.AlreadyFired;
        }

        return row.Paused ? TickOutcome.Paused
            : IsChanged(row) ? TickOutcome.Changed
            : IsRunning() ? TickOutcome.Queued
            : Start(row);
    }

    private bool IsChanged(ScheduleRow row) => tick.Known is { } known && !known.StartsTheSame(row);

    private TickOutcome Start(ScheduleRow row)
    {
        var result = new SqliteCommit(session, nowMs).Write(new StartUnit(tick.Row));
        if (result.Status is not CommitStatus.Written)
        {
            throw new InvalidOperationException($"Workflow '{tick.Row.Id}' of schedule '{tick.Schedule}' was refused: {result.Status}.");
        }

        Settle(row);
        return TickOutcome.Started;
    }

    // The moment has its workflow: it no longer waits, and a due moment counts as fired.
    private void Settle(ScheduleRow row)
    {
        if (tick.Kind is TickKind.Due && !row.Paused)
        {
            SqliteScheduleStore.Fired(session, row, tick.TickMs);
        }
        else if (tick.Kind is TickKind.Waiting && row.WaitingTickMs == tick.TickMs)
        {
            SetWaiting(null);
        }
    }

    private void SetWaiting(long? momentMs)
    {
        using var statement = session.Use(ScheduleSql.SetWaiting)
            .Bind("@schedule_name", tick.Schedule)
            .Bind("@waiting_tick_ms", momentMs);
        statement.Execute();
    }

    private bool IsRunning()
    {
        using var statement = session.Use(ScheduleSql.FindRunning).Bind("@schedule_name", tick.Schedule);
        return statement.Step();
    }
}
