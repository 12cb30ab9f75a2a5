using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Writes the units of messages, events and streams inside the batch's transaction, as <see cref="SqliteCommit"/> does. A refused unit has
/// only read, so it leaves nothing behind.
/// </summary>
internal readonly struct SqliteMessagingCommit(SqliteSession session, long nowMs)
{
    private readonly SqliteCheckpoints checkpoints = new(session, nowMs);

    public CommitResult Write(SendUnit unit)
    {
        string? applicationName = null;
        if (unit.Owner is { } sender && !checkpoints.TryReadOwned(sender, out applicationName))
        {
            return checkpoints.AnswerForLost(sender, unit.Rows);
        }

        if (unit.Owner is { } repeated && checkpoints.Began(repeated.WorkflowId, unit.Rows))
        {
            return CommitResult.Written;
        }

        if (FindMissing(unit.Messages) is { } missing)
        {
            return new CommitResult(CommitStatus.NoDestination) { MissingId = missing };
        }

        foreach (var message in unit.Messages)
        {
            Insert(message);
        }

        if (unit.Owner is { } owner)
        {
            checkpoints.Write(owner.WorkflowId, unit.Rows, applicationName);
        }

        return CommitResult.Written;
    }

    public CommitResult Write(ReceiveUnit unit)
    {
        var owned = checkpoints.TryReadOwned(unit.Owner, out var applicationName);
        var standing = checkpoints.Read(unit.Owner.WorkflowId, unit.Row.Sequence);
        if (standing is not null && (owned || SqliteCheckpoints.AreOfOneWrite(standing, unit.Row)))
        {
            return Receive(new Payload(standing.Output, standing.Format)) with { MovedOn = !owned };
        }

        if (!owned)
        {
            return CommitResult.NotOwned;
        }

        checkpoints.Write(unit.Owner.WorkflowId, unit.Begun, applicationName);
        if (Consume(unit) is not { } message)
        {
            return new CommitResult(CommitStatus.NothingThere);
        }

        var row = unit.Row with { Output = message.Text, Format = message.Format };
        checkpoints.Write(unit.Owner.WorkflowId, row, applicationName);
        checkpoints.Write(unit.Owner.WorkflowId, unit.With, applicationName);
        return Receive(message);
    }

    public CommitResult Write(EventUnit unit)
    {
        if (!checkpoints.TryReadOwned(unit.Owner, out var applicationName))
        {
            return checkpoints.AnswerForLost(unit.Owner, unit.Rows);
        }

        if (checkpoints.Began(unit.Owner.WorkflowId, unit.Rows))
        {
            return CommitResult.Written;
        }

        using (var latest = Bind(session.Use(MessagingSql.SetEvent), unit.Owner.WorkflowId, unit.Key, unit.Value))
        {
            latest.Execute();
        }

        using (var history = Bind(session.Use(MessagingSql.SetEventHistory), unit.Owner.WorkflowId, unit.Key, unit.Value)
            .Bind("@function_id", unit.Sequence))
        {
            history.Execute();
        }

        checkpoints.Write(unit.Owner.WorkflowId, unit.Rows, applicationName);
        return CommitResult.Written;
    }

    public CommitResult Write(StreamUnit unit)
    {
        if (!checkpoints.TryReadOwned(unit.Owner, out var applicationName))
        {
            return checkpoints.AnswerForLost(unit.Owner, unit.Rows);
        }

        if (checkpoints.Began(unit.Owner.WorkflowId, unit.Rows))
        {
            return CommitResult.Written;
        }

        var (next, closed) = ReadEnd(unit);
        if (closed && !unit.Closes)
        {
            return new CommitResult(CommitStatus.StreamClosed);
        }

        for (var index = 0; index < unit.Values.Count && !closed; index++)
        {
            using var append = Bind(session.Use(MessagingSql.Append), unit.Owner.WorkflowId, unit.Key, unit.Values[index])
                .Bind("@offset", next++)
                .Bind("@function_id", unit.SequenceOf(index));
            append.Execute();
        }

        checkpoints.Write(unit.Owner.WorkflowId, unit.Rows, applicationName);
        return CommitResult.Written;
    }

    private static CommitResult Receive(Payload message) => new(CommitStatus.Written) { Received = message };

    private static SqliteStatement Bind(SqliteStatement statement, string workflowId, string key, Payload value) => statement
        .Bind("@workflow_uuid", workflowId)
        .Bind("@key", key)
        .Bind("@value", value.Text)
        .Bind("@serialization", value.Format);

    private string? FindMissing(IReadOnlyList<MessageRow> messages)
    {
        foreach (var id in messages.Select(message => message.DestinationId).Distinct(StringComparer.Ordinal))
        {
            using var statement = session.Use(MessagingSql.FindWorkflow).Bind("@workflow_uuid", id);
            if (!statement.Step())
            {
                return id;
            }
        }

        return null;
    }

    private void Insert(MessageRow message)
    {
        using (var insert = session.Use(MessagingSql.InsertMessage)
            .Bind("@message_uuid", message.Id)
            .Bind("@destination_uuid", message.DestinationId)
            .Bind("@topic", MessageTopics.ToStored(message.Topic))
            .Bind("@message", message.Value.Text)
            .Bind("@serialization", message.Value.Format)
            .Bind("@now", nowMs))
        {
            if (insert.Execute() == 0)
            {
                return;
            }
        }

        using var order = session.Use(MessagingSql.InsertOrder).Bind("@message_uuid", message.Id);
        order.Execute();
    }

    private Payload? Consume(ReceiveUnit unit)
    {
        string id;
        Payload message;
        using (var oldest = session.Use(MessagingSql.ReadOldest)
            .Bind("@destination_uuid", unit.Owner.WorkflowId)
            .Bind("@topic", MessageTopics.ToStored(unit.Topic)))
        {
            if (!oldest.Step())
            {
                return null;
            }

            (id, message) = (oldest.Text(0), new Payload(oldest.Text(1), oldest.TextOrNull(2)));
        }

        using var consume = session.Use(MessagingSql.Consume)
            .Bind("@message_uuid", id)
            .Bind("@function_id", unit.Row.Sequence);
        consume.Execute();
        return message;
    }

    private (long Next, bool Closed) ReadEnd(StreamUnit unit)
    {
        using var statement = session.Use(MessagingSql.ReadStreamEnd)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@key", unit.Key);
        return statement.Step() ? (statement.Int64(0) + 1, StreamMarker.IsClosed(statement.Text(1))) : (0, false);
    }
}
