using System.Globalization;
using System.Text.Json;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Serialization;

/// <summary>Creates failures that say what could not be encoded or decoded, why, and what to do.</summary>
internal static class SerializationFailure
{
    private const int TextMax = 2000;

    private const string TooDeep =
        "Objects may be nested 64 levels deep and must not contain themselves: store references as ids, or flatten the value.";

    /// <summary>True for what a codec may throw. Contracts run user converters and constructors, so that is almost any exception.</summary>
    public static bool IsOne(Exception exception) => exception is not (OutOfMemoryException or SerializationFailedException);

    public static SerializationFailedException OnWrite(Type type, string format, Exception exception)
    {
        var remedy = exception switch
        {
            NotSupportedException => "Give the type a contract: a source-generated context that lists it, or a converter, in JsonOptions.",
            _ when IsDepth(exception.GetBaseException()) => TooDeep,
            _ => "Change the type, or bring a converter for it in JsonOptions.",
        };
        return new SerializationFailedException(
            type.ToString(),
            $"A value of type '{type}' could not be encoded as {format}: {Sentence(exception.Message)} {remedy}",
            exception);
    }

    public static SerializationFailedException OnRead(Type type, string format, Exception exception)
    {
        var remedy = exception switch
        {
            NotSupportedException => "Give the type a contract: a source-generated context that lists it, or a converter, in JsonOptions.",
            InvalidDataException => "Look at the row in the database; only the bytes that were written can be read.",
            _ => "Read it as the type it was written as, or bring a converter in JsonOptions that reads the old form.",
        };
        return new SerializationFailedException(
            type.ToString(),
            $"A stored value in {format} could not be decoded as '{type}': {Sentence(exception.Message)} {remedy}",
            exception);
    }

    public static SerializationFailedException OfFormat(Type type, string format)
    {
        var writer = format switch
        {
            PayloadSerializer.TypeScriptFormat => "the own format of DBOS for TypeScript",
            "py_pickle" => "the own format of DBOS for Python",
            "DBOS_JSON" or "DBOS_GOB" => "an own format of DBOS for Go",
            "java_jackson" => "the own format of DBOS for Java",
            "rust_serde" => "the own format of DBOS for Rust",
            _ => "a format of somebody's own serializer",
        };
        return new SerializationFailedException(
            type.ToString(),
            $"A stored value could not be decoded as '{type}': it is in '{format}', {writer}, which is not read here. "
            + $"Let its writer use the portable format ('{PayloadSerializer.PortableFormat}'), which every DBOS library reads"
            + (format == PayloadSerializer.TypeScriptFormat ? ": 'enqueuePortable', or the option serializationType: 'portable'." : "."));
    }

    public static SerializationFailedException OfNoInput(Type type) => new(
        type.ToString(),
        $"No input of type '{type}' is stored. "
            + "Somebody deleted it, or a program that is no DBOS library made the row: start the workflow again.");

    public static SerializationFailedException OfNoArgument(Type type) => new(
        type.ToString(),
        $"The workflow takes an input of type '{type}', and was enqueued without one. Enqueue it again with its input as the argument; "
            + "where it may be left out, let the workflow take a nullable type.");

    public static SerializationFailedException OfSend(Type type, int count, long bytesMax) => new(
        type.ToString(),
        $"The messages cannot be sent at once: the first {Number(count)} of them alone are more than the {Number(bytesMax)} bytes that one "
            + "send may store. Send them in portions, each small enough; or store what is large elsewhere, and send where it is.");

    /// <summary>The same failure, with the workflow and the location of the value.</summary>
    /// <param name="failed">The failure.</param>
    /// <param name="workflowId">The workflow that the value belongs to.</param>
    /// <param name="cannot">What cannot be done with which value, as a sentence without the final period.</param>
    public static SerializationFailedException At(SerializationFailedException failed, string workflowId, string cannot) =>
        new(failed.TypeName, $"{cannot}. {failed.Message}", failed, workflowId);

    /// <summary>A failure in place of one that could not be decoded; it holds the stored text.</summary>
    public static RecordedFailure Undecodable(Payload payload, string why) => new(
        typeof(SerializationFailedException).FullName!,
        $"A failure is recorded that cannot be read here: {Sentence(why)} "
            + $"What is stored: {FailureCuts.Shorten(payload.Text ?? "nothing", TextMax)}",
        Data: payload.Text is { } text ? JsonSerializer.Serialize(text, Contracts.BuiltInContracts.Default.String) : null);

    // The serializer has no exception type for depth: a cycle ends at its limit, a recursive converter at the writer's limit.
    private static bool IsDepth(Exception exception) =>
        exception.Message.Contains("depth", StringComparison.OrdinalIgnoreCase)
        || exception.Message.Contains("cycle", StringComparison.OrdinalIgnoreCase);

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Sentence(string message) => message.TrimEnd().EndsWith('.') ? message.TrimEnd() : message + ".";
}
