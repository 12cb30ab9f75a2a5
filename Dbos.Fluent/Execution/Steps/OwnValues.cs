using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Execution;

/// <summary>Encodes values of a run that others read, in the format in which its workflow was started, like its result.</summary>
internal static class OwnValues
{
    /// <summary>Encodes the value of an event.</summary>
    /// <exception cref="SerializationFailedException">The value cannot be stored; the event and the workflow are named.</exception>
    public static Payload EncodeEvent(RunScope run, string key, object? value, Type type) =>
        Encode(run, value, type, $"Event '{key}' of workflow '{run.Work.Id}' cannot be set");

    /// <summary>Encodes a value of a stream.</summary>
    /// <exception cref="SerializationFailedException">The value cannot be stored; the stream and the workflow are named.</exception>
    public static Payload EncodeStreamValue(RunScope run, string key, object? value, Type type) =>
        Encode(run, value, type, $"A value for stream '{key}' of workflow '{run.Work.Id}' cannot be written");

    private static Payload Encode(RunScope run, object? value, Type type, string cannot)
    {
        try
        {
            return run.Environment.Serializer.Encode(value, type, PayloadSerializer.FormatOf(run.Work.Input.Format));
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(exception, run.Work.Id, cannot);
        }
    }
}
