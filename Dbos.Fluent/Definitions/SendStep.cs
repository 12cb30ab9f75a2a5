using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Sends messages: one, or several at once under a name of their own.</summary>
internal sealed class SendStep(string name, IReadOnlyList<OutgoingMessage> messages, PayloadFormat? format) : Step<Unit>(name), ISendStep
{
    public IReadOnlyList<OutgoingMessage> Messages { get; } = messages;

    public PayloadFormat? Format { get; } = PayloadFormats.Check(format);
}
