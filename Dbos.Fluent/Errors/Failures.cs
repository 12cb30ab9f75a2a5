namespace Dbos.Fluent.Errors;

/// <summary>Turns exceptions into recorded failures, and recorded failures of this library back into exceptions.</summary>
internal static class Failures
{
    // The number of levels of inner exceptions that are recorded; the last one is the root cause.
    private const int DepthMax = 8;

    /// <summary>
    /// The recorded form of an exception. An exception that only carries a recorded failure gives that failure, not a wrapper of it.
    /// </summary>
    public static RecordedFailure Record(Exception exception) => Record(exception, DepthMax);

    /// <summary>The exception that a workflow gets when it reads the result of a failed step.</summary>
    public static Exception ForStep(RecordedFailure failure, string workflowId, int sequence, string stepName) =>
        RecordedFacts.ToException(failure)
        ?? (failure.TypeName == typeof(MaxStepRetriesExceededException).FullName && failure.Inner.Count > 0
            ? new MaxStepRetriesExceededException(workflowId, sequence, stepName, failure)
            : new StepFailedException(workflowId, sequence, stepName, failure));

    /// <summary>The exception that a caller gets when it awaits a failed workflow.</summary>
    public static Exception ForAwaiter(RecordedFailure failure, string workflowId, Exception? original)
    {
        if (failure.TypeName == typeof(UnexpectedStepException).FullName && RecordedFacts.ToException(failure) is { } unexpected)
        {
            return unexpected;
        }

        return new WorkflowFailedException(workflowId, failure, original);
    }

    /// <summary>The reason recorded with a cancelled workflow; null if the record is something else.</summary>
    public static AwaitedWorkflowCancelledException? ForAwaiterOfCancelled(RecordedFailure failure) =>
        RecordedFacts.ToException(failure) as AwaitedWorkflowCancelledException;

    private static RecordedFailure Record(Exception exception, int depth)
    {
        switch (exception)
        {
            case MaxStepRetriesExceededException exhausted:
                return exhausted.Failure;
            case StepFailedException failed:
                return failed.Failure;
        }

        var own = exception as DbosException;
        var carried = own is null ? CarriedFacts.Of(exception) : new CarriedFacts(own.Code, RecordedFacts.ToJson(own));
        return new RecordedFailure(
            exception.GetType().FullName ?? exception.GetType().Name,
            Told(() => exception.Message) ?? "",
            Told(() => exception.StackTrace),
            carried.Code,
            carried.Json)
        {
            BaseTypes = [.. BaseTypes(exception.GetType())],
            Inner = own is { InnerFailures.Count: > 0 } ? own.InnerFailures
                : depth == 0 ? []
                : [.. Inner(exception).Select(inner => Record(depth == 1 ? RootCauses.Of(inner) : inner, depth - 1))],
        };
    }

    // A user's exception may throw even when it describes itself; its type must still be recorded.
    private static string? Told(Func<string?> member)
    {
        try
        {
            return member();
        }
        catch (Exception exception)
        {
            return $"({exception.GetType().Name} while this was read)";
        }
    }

    private static Exception[] Inner(Exception exception) =>
        exception is AggregateException aggregate ? [.. aggregate.InnerExceptions]
        : exception.InnerException is { } inner ? [inner] : [];

    private static IEnumerable<string> BaseTypes(Type type)
    {
        for (var current = type.BaseType; current is not null; current = current.BaseType)
        {
            if (current == typeof(Exception) || current == typeof(object))
            {
                yield break;
            }

            yield return current.FullName ?? current.Name;
        }
    }
}
