using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Dbos.Fluent.Definitions;

/// <summary>Resolves the tokens in a method's code. Generic parameters stay parameters.</summary>
[UnconditionalSuppressMessage(
    "Trimming", "IL2026", Justification = "What was trimmed away cannot be resolved; the fingerprint is then unknown and none is used.")]
internal sealed class CodeScope(MethodBase method)
{
    private readonly Type[] typeArguments =
        method.DeclaringType is { IsGenericType: true } type ? type.GetGenericTypeDefinition().GetGenericArguments() : [];

    private readonly Type[] methodArguments =
        method is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition().GetGenericArguments() : [];

    public Module Module { get; } = method.Module;

    public string Text(int token) => Module.ResolveString(token);

    public MemberInfo Member(int token) =>
        Module.ResolveMember(token, typeArguments, methodArguments)
        ?? throw new NotSupportedException($"Token {token:x8} cannot be resolved.");
}
