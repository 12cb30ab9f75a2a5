namespace Dbos.Fluent.Errors;

/// <summary>Finds the root cause, which replaces the last recorded level of failures that are nested too deeply.</summary>
internal static class RootCauses
{
    /// <summary>The innermost failure; where a failure has several inner ones, the first is followed.</summary>
    public static RecordedFailure Of(RecordedFailure failure)
    {
        while (failure.Inner is [var inner, ..])
        {
            failure = inner;
        }

        return failure;
    }

    /// <summary>The innermost exception; an exception that carries a recorded failure is not searched.</summary>
    public static Exception Of(Exception exception)
    {
        while (exception is not DbosException && Inside(exception) is { } inner)
        {
            exception = inner;
        }

        return exception;
    }

    private static Exception? Inside(Exception exception) =>
        exception is AggregateException { InnerExceptions: [var first, ..] } ? first : exception.InnerException;
}
